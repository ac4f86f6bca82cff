"""What a model says of single positions, against what may follow there.

Everything is computed in float64, whatever the logits were computed in. Log-probabilities are
logits too. Shapes: n positions, c positions of a chunk, v vocabulary, e entries (position, token).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from chess_engine import Vocabulary
from numpy.typing import NDArray
from torch import Tensor

_CHUNK_POSITIONS = 1024  # bounds the float64 probabilities in memory: 35 MB for 4,278 tokens


@dataclass(frozen=True)
class NextTokens:
    """What may come next at each position: its legal moves, or PAD alone where a game is over.

    Random play draws from them with equal chances.
    """

    offsets_n: NDArray[np.int64]
    """(n + 1,) first entry of each position, and the number of entries."""
    tokens_e: NDArray[np.int16]
    """Tokens of all positions, one position after the other, each ascending."""

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.offsets_n) - 1

    @cached_property
    def counts_n(self) -> NDArray[np.int64]:
        """Return how many tokens may come next, at least 1."""
        return np.diff(self.offsets_n)

    def take(self, chosen_n: NDArray[Any]) -> "NextTokens":
        """Return the sets of some positions, in that order."""
        counts = self.counts_n[chosen_n]
        offsets = np.append(0, np.cumsum(counts))
        shift = np.repeat(self.offsets_n[chosen_n] - offsets[:-1], counts)
        return NextTokens(offsets, self.tokens_e[np.arange(offsets[-1]) + shift])


def joined(parts: Sequence[NextTokens]) -> NextTokens:
    """Return the positions of all parts, one part after the other."""
    counts = np.concatenate([part.counts_n for part in parts])
    return NextTokens(
        np.append(0, np.cumsum(counts)), np.concatenate([part.tokens_e for part in parts])
    )


def move_tokens(vocabulary: Vocabulary) -> Tensor:
    """Return bool (v,): which tokens are moves."""
    return torch.from_numpy(vocabulary.source >= 0)


class Measures(NamedTuple):
    """Numbers a position, float64, that need no move to be drawn."""

    legal_mass_n: Tensor
    """Probability of the tokens that may come next."""
    legal_n: Tensor
    """1 where the likeliest token may come next, else 0."""
    kl_n: Tensor
    """KL(q || p) of the model p to the law q of random play, nats; infinite where p rules out a
    token that may come next."""
    move_mass_n: Tensor
    """Probability of all move tokens, legal or not."""


class TargetMeasures(NamedTuple):
    """Numbers a position, float64, about the token that did come next."""

    loss_n: Tensor
    """Its cross-entropy, nats."""
    rank_n: Tensor
    """How many tokens come before it: likelier, or as likely and lower."""
    legal_rank_n: Tensor
    """The same among the tokens that may come next."""


def measure(logits_nv: Tensor, sets: NextTokens, is_move_v: Tensor) -> Measures:
    """Compare a model with what may come next."""
    is_move_v = is_move_v.to(logits_nv.device)
    return Measures(*_in_chunks(logits_nv, sets, lambda c: _measure(c, is_move_v)))


def measure_targets(logits_nv: Tensor, sets: NextTokens, targets_n: Tensor) -> TargetMeasures:
    """Compare a model with what did come next: targets int64 (n,), each one that may."""
    return TargetMeasures(*_in_chunks(logits_nv, sets, lambda c: _measure_targets(c, targets_n)))


def measure_both(
    logits_nv: Tensor, sets: NextTokens, targets_n: Tensor, is_move_v: Tensor
) -> tuple[Measures, TargetMeasures]:
    """Return both, with the probabilities computed once."""
    is_move_v = is_move_v.to(logits_nv.device)
    columns = _in_chunks(
        logits_nv, sets, lambda c: (*_measure(c, is_move_v), *_measure_targets(c, targets_n))
    )
    own = len(Measures._fields)
    return Measures(*columns[:own]), TargetMeasures(*columns[own:])


class _Chunk(NamedTuple):
    """Some positions, and their entries by rows from 0."""

    positions: slice
    log_p_cv: Tensor
    counts_c: Tensor
    rows_e: Tensor
    tokens_e: Tensor

    @property
    def log_p_e(self) -> Tensor:
        return self.log_p_cv[self.rows_e, self.tokens_e]

    def sums(self, values_e: Tensor) -> Tensor:
        """Return each position's sum over its entries."""
        zeros_c = torch.zeros(len(self.log_p_cv), dtype=torch.float64, device=values_e.device)
        return zeros_c.index_add(0, self.rows_e, values_e.double())


def _in_chunks(
    logits_nv: Tensor, sets: NextTokens, measured: Callable[[_Chunk], tuple[Tensor, ...]]
) -> list[Tensor]:
    parts = [
        measured(_chunk(logits_nv, sets, slice(begin, begin + _CHUNK_POSITIONS)))
        for begin in range(0, len(sets), _CHUNK_POSITIONS)
    ]
    return [torch.cat(columns).cpu() for columns in zip(*parts, strict=True)]


def _chunk(logits_nv: Tensor, sets: NextTokens, positions: slice) -> _Chunk:
    counts = sets.counts_n[positions]
    first = sets.offsets_n[positions.start]
    tokens = sets.tokens_e[first : first + counts.sum()].astype(np.int64)
    rows = np.repeat(np.arange(len(counts)), counts)
    device = logits_nv.device
    log_p_cv = logits_nv[positions].double().log_softmax(dim=1)
    counts_c, rows_e, tokens_e = (torch.from_numpy(x).to(device) for x in (counts, rows, tokens))
    return _Chunk(positions, log_p_cv, counts_c, rows_e, tokens_e)


def _measure(chunk: _Chunk, is_move_v: Tensor) -> tuple[Tensor, ...]:
    log_p_e = chunk.log_p_e
    best_c = chunk.log_p_cv.argmax(dim=1)
    kl_c = -chunk.counts_c.double().log() - chunk.sums(log_p_e) / chunk.counts_c
    return (
        chunk.sums(log_p_e.exp()),
        chunk.sums(chunk.tokens_e == best_c[chunk.rows_e]),
        kl_c,
        chunk.log_p_cv[:, is_move_v].exp().sum(dim=1),
    )


def _measure_targets(chunk: _Chunk, targets_n: Tensor) -> tuple[Tensor, ...]:
    targets_c = targets_n[chunk.positions].to(chunk.log_p_cv.device)
    log_p_c1 = chunk.log_p_cv.gather(1, targets_c[:, None])
    tokens_v = torch.arange(chunk.log_p_cv.shape[1], device=targets_c.device)
    lower_cv = tokens_v < targets_c[:, None]
    before_cv = (chunk.log_p_cv > log_p_c1) | ((chunk.log_p_cv == log_p_c1) & lower_cv)
    before_e = before_cv[chunk.rows_e, chunk.tokens_e]
    return -log_p_c1[:, 0], before_cv.sum(dim=1).double(), chunk.sums(before_e)
