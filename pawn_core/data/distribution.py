"""The exact next-token distribution of random play, as sparse rows over supervised positions.

Shapes: n supervised positions (in `Batch.positions_n` order), e entries (position, token).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from chess_engine import Games
from numpy.typing import NDArray

from pawn_core.config import PretrainConfig
from pawn_core.data.sequences import predicted_plies, ranges, supervised_counts
from pawn_core.data.targets import Targets


def distribution_is_known(config: PretrainConfig) -> bool:
    """Tell whether the next-token distribution given the sequence so far is exactly known.

    It is for pure sequences. An outcome token, or the discarding of games that hit the ply limit,
    tells of the future: play is then no longer uniform given what the model sees.
    """
    return not config.prepend_outcome and not config.discard_ply_limit


@dataclass(frozen=True)
class LegalSets:
    """For each supervised position, the tokens that may follow and their probabilities.

    That is the legal set with the probabilities of the random player, and PAD with probability 1
    where the game is over.
    """

    counts_n: NDArray[np.int64]
    """Entries of each position, at least 1."""
    tokens_e: NDArray[np.int64]
    """Tokens of all positions, one position after the other, each ascending."""
    probabilities_e: NDArray[np.float64]
    """Their probabilities; each position's sum to 1."""
    plies_n: NDArray[np.int64]
    """The ply that each position predicts, 0-based."""
    games_n: NDArray[np.int64]
    """Each position's game, as a row of the batch."""
    is_move_n: NDArray[np.bool_]
    """False where the game is over and PAD is due."""

    @cached_property
    def positions_e(self) -> NDArray[np.int64]:
        """Return each entry's position."""
        return np.repeat(np.arange(len(self.counts_n)), self.counts_n)

    @cached_property
    def starts_n(self) -> NDArray[np.int64]:
        """Return each position's first entry."""
        return np.cumsum(self.counts_n) - self.counts_n

    def contain(self, tokens_n: NDArray[np.int64], vocabulary_size: int) -> NDArray[np.bool_]:
        """Return whether each position's set contains the token given for it."""
        keys_e = self.positions_e * vocabulary_size + self.tokens_e
        wanted_n = np.arange(len(tokens_n)) * vocabulary_size + tokens_n
        found_n = np.searchsorted(keys_e, wanted_n)
        return keys_e[np.minimum(found_n, len(keys_e) - 1)] == wanted_n

    def targets(self) -> Targets:
        """Return the distribution as something to learn from."""
        return Targets(
            torch.from_numpy(self.positions_e),
            torch.from_numpy(self.tokens_e),
            torch.from_numpy(self.probabilities_e).float(),
            np.append(self.starts_n, len(self.tokens_e)),
        )

    def top1_bound(self) -> NDArray[np.float64]:
        """Return the best possible top-1 accuracy of each position: the largest probability."""
        return np.maximum.reduceat(self.probabilities_e, self.starts_n)

    def entropy(self) -> NDArray[np.float64]:
        """Return the least possible expected cross-entropy of each position, in nats."""
        q = self.probabilities_e
        terms = -q * np.log(q, out=np.zeros_like(q), where=q > 0)
        return np.add.reduceat(terms, self.starts_n)


class _Rows(NamedTuple):
    """The engine's CSR form, one row a ply: row r is `values[offsets[r]:offsets[r + 1]]`."""

    values: NDArray[np.int16]
    offsets: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Return the entries of each row."""
        return np.diff(self.offsets)

    def keys(self) -> NDArray[np.int64]:
        """Return one number for each (row, token) entry."""
        stride = 1 << 16  # token ids are int16
        return np.repeat(np.arange(len(self.sizes)), self.sizes) * stride + self.values


def legal_sets(games: Games, pad: int, mate_boost: float, *, prefixed: bool) -> LegalSets:
    """Align the engine's legal sets, one row a ply, with the supervised positions."""
    legal = _rows(games.legal_values, games.legal_offsets)
    supervised = supervised_counts(games, prefixed=prefixed)
    plies = predicted_plies(games, prefixed=prefixed)
    owner = np.repeat(np.arange(len(supervised)), supervised)
    is_move = plies < games.lengths[owner]
    first_row = np.cumsum(games.lengths, dtype=np.int64) - games.lengths
    rows = np.where(is_move, first_row[owner] + plies, 0)
    counts = np.where(is_move, legal.sizes[rows], 1)
    entry = ranges(legal.offsets[rows], counts)
    is_move_e = np.repeat(is_move, counts)
    tokens = np.where(is_move_e, legal.values[entry], pad).astype(np.int64)
    probabilities = np.where(is_move_e, _move_probabilities(games, mate_boost)[entry], 1.0)
    return LegalSets(counts, tokens, probabilities, plies, owner, is_move)


def _rows(values: NDArray[np.int16] | None, offsets: NDArray[np.int64] | None) -> _Rows:
    assert values is not None, "the games were generated without their legal moves"
    assert offsets is not None
    return _Rows(values, offsets)


def _move_probabilities(games: Games, mate_boost: float) -> NDArray[np.float64]:
    """Return the random player's probability of every legal move, in the engine's order.

    Uniform over the N legal moves; with mate boost p and M > 0 mating moves, a mating move has
    p / M + (1 - p) / N and another (1 - p) / N.
    """
    legal = _rows(games.legal_values, games.legal_offsets)
    if mate_boost == 0.0:
        return np.repeat(1.0 / legal.sizes, legal.sizes)
    mating = _rows(games.mating_values, games.mating_offsets)
    boost = np.where(mating.sizes > 0, mate_boost, 0.0)
    base = np.repeat((1.0 - boost) / legal.sizes, legal.sizes)
    extra = np.repeat(boost / np.maximum(mating.sizes, 1), legal.sizes)
    return base + np.where(np.isin(legal.keys(), mating.keys(), assume_unique=True), extra, 0.0)
