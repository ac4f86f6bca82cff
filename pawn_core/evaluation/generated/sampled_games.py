"""Games that a model played, judged by the rules.

Shapes: b games, t tokens, p plies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import chess_engine
import numpy as np
from chess_engine import TERMINATIONS, Games, Vocabulary
from numpy.typing import NDArray

from pawn_core.generation import Sampling, generate
from pawn_core.signals import StopFlag
from pawn_core.weights import Pretrained

ENDINGS = (*TERMINATIONS[:6], "illegal", "stopped")
"""How a game can end that a model plays: by the rules; with a token that is no legal move, PAD
aside; with PAD where a move is due."""
ILLEGAL, STOPPED = ENDINGS.index("illegal"), ENDINGS.index("stopped")
_UNFINISHED = TERMINATIONS.index("unfinished")


@dataclass(frozen=True)
class SampledGames:
    """Games as columns."""

    tokens_bp: NDArray[np.int16]
    """The legal moves, PAD after them."""
    lengths_b: NDArray[np.int32]
    """Legal plies."""
    endings_b: NDArray[np.uint8]
    """Index into `ENDINGS`."""
    outcomes_b: NDArray[np.int16]
    """Outcome token of a game that ended by the rules, else -1."""
    refused_b: NDArray[np.int16]
    """The token that is no legal move and ended the game, else -1."""
    end_seen_b: NDArray[np.int8]
    """1 where PAD followed a game's end by the rules, 0 where another token did, -1 where the game
    did not end so or left no room for another token."""


def sample_games(
    pretrained: Pretrained,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    max_ply: int,
    stop: StopFlag,
) -> SampledGames:
    """Return the prompts continued by the model up to their ends, `max_ply` plies at most.

    Raises:
        ValueError: as `generate`.
        Interrupted: the run was asked to stop.
    """
    before = int(pretrained.spec.prepend_outcome)
    # One token more than the moves: PAD after a game as long as that is not seen otherwise.
    width = min(before + max_ply + 1, pretrained.spec.max_seq_len)
    rows_bt = generate(pretrained, prompts, sampling, max_tokens=width, check=stop.check)
    return judge(rows_bt[:, before:], pretrained.vocabulary, max_ply)


def judge(rows_bt: NDArray[np.signedinteger], vocabulary: Vocabulary, max_ply: int) -> SampledGames:
    """Return games of drawn tokens, which may go on behind a game's end, cut at the end."""
    tokens_bp = np.full((len(rows_bt), max_ply), vocabulary.pad, dtype=np.int16)
    plies = min(max_ply, rows_bt.shape[1])
    tokens_bp[:, :plies] = rows_bt[:, :plies]
    replayed = chess_engine.validate_games(tokens_bp, vocabulary=vocabulary.name)
    illegal_b = replayed.first_illegal >= 0
    lengths_b = np.where(illegal_b, replayed.first_illegal, replayed.lengths).astype(np.int32)
    illegal_tokens_b = tokens_bp[np.arange(len(rows_bt)), np.minimum(lengths_b, max_ply - 1)]
    tokens_bp[np.arange(max_ply) >= lengths_b[:, None]] = vocabulary.pad
    legal = chess_engine.validate_games(tokens_bp, lengths_b, vocabulary=vocabulary.name)
    by_rule_b = legal.terminations != _UNFINISHED
    stopped_b = ~illegal_b | (illegal_tokens_b == vocabulary.pad)
    endings_b = np.where(by_rule_b, legal.terminations, np.where(stopped_b, STOPPED, ILLEGAL))
    return SampledGames(
        tokens_bp,
        lengths_b,
        endings_b.astype(np.uint8),
        np.where(by_rule_b, legal.outcomes, -1).astype(np.int16),
        np.where(by_rule_b | ~illegal_b, -1, illegal_tokens_b).astype(np.int16),
        _end_seen(rows_bt, np.where(by_rule_b, lengths_b, rows_bt.shape[1]), vocabulary.pad),
    )


def _end_seen(
    rows_bt: NDArray[np.signedinteger], ends_b: NDArray[np.signedinteger], pad: int
) -> NDArray[np.int8]:
    """Return whether PAD stands at each game's end; -1 where the row does not reach so far."""
    width = rows_bt.shape[1]
    next_b = rows_bt[np.arange(len(rows_bt)), np.minimum(ends_b, width - 1)]
    return np.where(ends_b < width, next_b == pad, -1).astype(np.int8)


def prompts_of_random_play(pretrained: Pretrained, played: Games) -> list[list[int]]:
    """Return what a model does not choose itself, as random play has it.

    That is the outcome, or in the pure layout the first move.
    """
    chosen = played.outcomes if pretrained.spec.prepend_outcome else played.tokens[:, 0]
    return [[int(token)] for token in chosen]
