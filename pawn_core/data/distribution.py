"""The exact next-token distribution of random play, as sparse rows over supervised positions.

Shapes: n supervised positions (in `Batch.positions_n` order), e entries (position, token).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from chess_engine import TrainingBatch
from numpy.typing import NDArray

from pawn_core.data.targets import Targets


def distribution_is_known(*, prepend_outcome: bool, discard_ply_limit: bool) -> bool:
    """Tell whether the next-token distribution given the sequence so far is exactly known.

    It is for pure sequences. An outcome token, or the discarding of games that hit the ply limit,
    tells of the future: play is then no longer uniform given what the model sees.
    """
    return not prepend_outcome and not discard_ply_limit


@dataclass(frozen=True)
class LegalSets:
    """For each supervised position, the tokens that may follow and their probabilities.

    That is the legal set with the probabilities of the random player, and PAD with probability 1
    where the game is over.
    """

    counts_n: NDArray[np.int64]
    """Entries of each position, at least 1."""
    tokens_e: NDArray[np.int16]
    """Tokens of all positions, one position after the other, each ascending."""
    probabilities_e: NDArray[np.float64]
    """Their probabilities; each position's sum to 1."""
    plies_n: NDArray[np.int64]
    """The ply that each position predicts: ply p of a game of N plies is its (p + 1)-th move, ply N
    the PAD that ends it."""
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
        positions_e = np.repeat(np.arange(len(self.counts_n), dtype=np.int32), self.counts_n)
        return Targets(
            torch.from_numpy(positions_e),
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


def legal_sets(sequences: TrainingBatch) -> LegalSets:
    """Return the sets of sequences that were made with their legal moves."""
    tokens, offsets = sequences.legal_values, sequences.legal_offsets
    probabilities = sequences.legal_probabilities
    assert tokens is not None, "the games were generated without their legal moves"
    assert offsets is not None
    assert probabilities is not None
    games, times = np.nonzero(sequences.loss_mask)
    plies = times + (sequences.layout == "pure")
    return LegalSets(
        counts_n=np.diff(offsets),
        tokens_e=tokens,
        probabilities_e=probabilities,
        plies_n=plies,
        games_n=games,
        is_move_n=plies < sequences.lengths[games],
    )
