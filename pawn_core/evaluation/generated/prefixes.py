"""First parts of games of random play, and how random play goes on from them. Never imports torch.

Shapes: b games, p plies.
"""

from collections.abc import Callable
from dataclasses import dataclass

import chess_engine
import numpy as np
from chess_engine import TERMINATIONS, BatchGames, Games, Vocabulary
from numpy.typing import NDArray

from pawn_core.config.conditioning import Cut, Source
from pawn_core.model.draws import uniform_numbers

SEARCHED_GAMES = 1 << 15
"""Games of random play that are looked through for prefixes of a rare kind."""

_CHUNK_GAMES = 512
_UNFIT = -1
Lengths = NDArray[np.int64]


@dataclass(frozen=True)
class Prefixes:
    """Beginnings of games, with what became of the games."""

    tokens_bp: NDArray[np.int16]
    """PAD behind each."""
    lengths_b: Lengths
    outcomes_b: NDArray[np.int16]

    def prompts(self) -> list[list[int]]:
        """Return each as its tokens."""
        pairs = zip(self.tokens_bp, self.lengths_b, strict=True)
        return [tokens[:length].tolist() for tokens, length in pairs]


def find_prefixes(
    source: Source, most: int, seed: int, first_game: int, max_ply: int, vocabulary: Vocabulary
) -> Prefixes:
    """Return prefixes of the first games from an address on that serve, at most so many."""
    parts: list[Prefixes] = []
    for begin in range(0, SEARCHED_GAMES, _CHUNK_GAMES):
        games = chess_engine.generate_random_games(
            _CHUNK_GAMES,
            seed=seed,
            first_game=first_game + begin,
            max_ply=max_ply,
            vocabulary=vocabulary.name,
        )
        parts.append(
            _serving(games, source, most - sum(len(p.lengths_b) for p in parts), vocabulary)
        )
        if sum(len(part.lengths_b) for part in parts) == most:
            break
    columns = ((p.tokens_bp, p.lengths_b, p.outcomes_b) for p in parts)
    return Prefixes(*map(np.concatenate, zip(*columns, strict=True)))


def _serving(games: Games, source: Source, most: int, vocabulary: Vocabulary) -> Prefixes:
    """Return the prefixes of the first games that end as the source says and are long enough."""
    of_ending_b = _ends_so(games, source.ending, vocabulary)
    rows = np.flatnonzero(of_ending_b)
    tokens_bp = np.ascontiguousarray(games.tokens[rows])
    lengths_b = games.lengths[rows].astype(np.int64)
    cut_b = _CUTS[source.cut.kind](tokens_bp, lengths_b, source.cut, vocabulary)
    chosen = np.flatnonzero(cut_b != _UNFIT)[:most]
    tokens_bp, cut_b = tokens_bp[chosen], cut_b[chosen]
    tokens_bp[np.arange(tokens_bp.shape[1]) >= cut_b[:, None]] = vocabulary.pad
    return Prefixes(tokens_bp, cut_b, games.outcomes[rows][chosen])


def _ends_so(games: Games, ending: str | None, vocabulary: Vocabulary) -> NDArray[np.bool_]:
    if ending is None:
        return np.ones(len(games.lengths), dtype=np.bool_)
    if ending in vocabulary.outcomes:
        return games.outcomes == vocabulary.outcomes[ending]
    return games.terminations == TERMINATIONS.index(ending)


def _plies(_tokens: NDArray[np.int16], lengths_b: Lengths, cut: Cut, _v: Vocabulary) -> Lengths:
    return np.where(lengths_b > cut.value, int(cut.value), _UNFIT)


def _share(_tokens: NDArray[np.int16], lengths_b: Lengths, cut: Cut, _v: Vocabulary) -> Lengths:
    return np.maximum(1, (lengths_b * cut.value).astype(np.int64))


def _left(tokens_bp: NDArray[np.int16], lengths_b: Lengths, cut: Cut, _v: Vocabulary) -> Lengths:
    shown = tokens_bp.shape[1] - int(cut.value)
    return np.where((lengths_b > shown) & (shown > 0), shown, _UNFIT)


def _whole(_tokens: NDArray[np.int16], lengths_b: Lengths, _cut: Cut, _v: Vocabulary) -> Lengths:
    return lengths_b


def _bare_white_king(
    tokens_bp: NDArray[np.int16], lengths_b: Lengths, _cut: Cut, vocabulary: Vocabulary
) -> Lengths:
    states = chess_engine.extract_board_states(
        tokens_bp, lengths_b.astype(np.int32), vocabulary=vocabulary.name
    )
    bare_bp = (states.after.material[:, :, 0] == 0).all(axis=2)
    goes_on_bp = np.arange(tokens_bp.shape[1]) < lengths_b[:, None] - 1
    serves_bp = bare_bp & goes_on_bp
    return np.where(serves_bp.any(axis=1), serves_bp.argmax(axis=1) + 1, _UNFIT)


_CUTS: dict[str, Callable[[NDArray[np.int16], Lengths, Cut, Vocabulary], Lengths]] = {
    "plies": _plies,
    "share": _share,
    "left": _left,
    "bare_white_king": _bare_white_king,
    "whole": _whole,
}


def random_outcomes(
    prefixes: Prefixes, times: int, seed: int, first_number: int, vocabulary: Vocabulary
) -> NDArray[np.int16]:
    """Return how each prefix ends, played on at random so often: outcome tokens (b, times)."""
    tokens_bp = np.repeat(prefixes.tokens_bp, times, axis=0)
    lengths_b = np.repeat(prefixes.lengths_b, times)
    games, max_ply = tokens_bp.shape
    boards = BatchGames(games, max_ply=max_ply, vocabulary=vocabulary.name)
    uniform_bp = uniform_numbers(seed, range(first_number, first_number + games), max_ply)
    for ply in range(max_ply):
        legal = boards.legal_tokens()
        counts_b = np.diff(legal.offsets)
        chosen_b = (uniform_bp[:, ply] * counts_b).astype(np.int64)
        drawn_b = legal.values[legal.offsets[:-1] + chosen_b]
        boards.apply(np.where(ply < lengths_b, tokens_bp[:, ply], drawn_b).astype(np.int16))
    return boards.outcomes.reshape(-1, times)
