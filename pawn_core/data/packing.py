"""Pack the games of a batch into rows of one length, so that almost nothing computed is padding.

Games lie one after the other in a row; attention and positions keep to each game
(`pawn_core.model.attention`). The compiler wants few shapes: a batch becomes one part with one of
two numbers of rows, padded with empty rows, and where it needs more rows than the larger number,
another such part.

Shapes: g games, b rows, t tokens of a row, n supervised positions, r sequences.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from pawn_core.attention.masks import BLOCK
from pawn_core.data.sequences import Batch, Rows, lay_out_anew, places_of, ranges

_ROW_GAMES = 4
_PIECES = 8
"""Of padding, beside one a row: two rows of four longest games each."""


@dataclass(frozen=True)
class Packer:
    """Packs every batch of a run into rows of the same few shapes."""

    row_tokens: int
    """Length of a row."""
    row_counts: tuple[int, ...]
    """Numbers of rows that a part may have, rising."""
    pad: int
    """Token of the padding."""
    longest: int
    """Most tokens of a game."""

    def __call__(self, batch: Batch) -> list[Batch]:
        """Return each game of a batch of a game a row once and whole, in packed parts."""
        lengths = batch.game_lengths()
        rows_g, offsets_g = first_fit(lengths, self.row_tokens)
        begins_g = rows_g * self.row_tokens + offsets_g
        ends = np.cumsum([0, *part_rows(int(rows_g.max()) + 1, self.row_counts)])
        return list(self._parts(batch, lengths, begins_g, ends * self.row_tokens))

    def _parts(
        self,
        batch: Batch,
        lengths: NDArray[np.int64],
        begins_g: NDArray[np.int64],
        ends: NDArray[np.int64],
    ) -> Iterator[Batch]:
        for begin, end in pairwise(ends):
            games = np.flatnonzero((begin <= begins_g) & (begins_g < end))
            chosen = places_of(games, lengths)
            positions = ranges(begins_g[games] - begin, lengths[games])
            tokens = np.full(end - begin, self.pad)
            tokens[positions] = batch.tokens_bt.numpy().flat[batch.positions_n.numpy()[chosen]]
            tokens_bt = torch.from_numpy(tokens.reshape(-1, self.row_tokens))
            rows = self._rows(begins_g[games] - begin, lengths[games], batch.games, tokens_bt.shape)
            yield lay_out_anew(batch, chosen, lengths[games], tokens_bt, positions, rows)

    def _rows(
        self,
        begins_g: NDArray[np.int64],
        lengths_g: NDArray[np.int64],
        most_games: int,
        shape: Sequence[int],
    ) -> Rows:
        """Return where a part's games are; its batch's games are the most that it could have."""
        begins_r = _sequences(begins_g, lengths_g, most_games, shape, self.longest)
        games_bt, times_bt = _games_and_times(begins_g, lengths_g, shape)
        return Rows(
            games_bt=torch.from_numpy(games_bt),
            times_bt=torch.from_numpy(times_bt),
            begins_r=torch.from_numpy(begins_r.astype(np.int32)),
            longest=self.longest,
        )


def row_tokens(max_seq_len: int) -> int:
    """Return the length of a row: four of the longest games, in whole blocks.

    Longer rows leave less padding at their ends, and a step has fewer of them to be rounded up to.
    256 games of 512 plies leave 2.3 % of rows of 1,024 empty, 1.6 % of 2,048, 2.5 % of 4,096.
    """
    return -(-_ROW_GAMES * max_seq_len // BLOCK) * BLOCK


def first_fit(
    lengths_g: NDArray[np.int64], row_tokens: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each game's row and the token of the row at which it begins.

    Longest games first, each into the first row with room for it.
    """
    rows_g, offsets_g = np.empty_like(lengths_g), np.empty_like(lengths_g)
    free: list[int] = []
    for game in np.argsort(-lengths_g, kind="stable"):
        length = int(lengths_g[game])
        row = next((row for row, room in enumerate(free) if room >= length), len(free))
        if row == len(free):
            free.append(row_tokens)
        rows_g[game], offsets_g[game] = row, row_tokens - free[row]
        free[row] -= length
    return rows_g, offsets_g


def part_rows(rows: int, row_counts: Sequence[int]) -> list[int]:
    """Return the rows of each part: the smallest number that holds what is left, or the largest."""
    sizes = []
    while rows > 0:
        sizes.append(next((count for count in row_counts if count >= rows), row_counts[-1]))
        rows -= sizes[-1]
    return sizes


def cheapest_row_counts(needed: Sequence[int]) -> tuple[int, ...]:
    """Return the one or two numbers of rows with which sample batches compute the fewest rows."""
    pairs = combinations_with_replacement(range(min(needed), max(needed) + 1), 2)
    best = min(pairs, key=lambda pair: sum(sum(part_rows(rows, pair)) for rows in needed))
    return tuple(sorted(set(best)))


def _sequences(
    begins_g: NDArray[np.int64],
    lengths_g: NDArray[np.int64],
    most_games: int,
    shape: Sequence[int],
    longest: int,
) -> NDArray[np.int64]:
    """Return where games begin and pieces of the padding, (r,), and how many tokens there are.

    No piece is longer than `longest`, and none is empty: kernels were seen to give NaN there (cuDNN
    before 9.25). They are as many as one of two numbers asks for, one of them for rows that are
    mostly empty, as long as there is a token of padding for each.
    """
    tokens = shape[0] * shape[1]
    order = np.argsort(begins_g)
    gaps = np.append(0, (begins_g + lengths_g)[order])
    sizes = np.append(begins_g[order], tokens) - gaps
    pieces = -(-sizes // longest)
    cuts = np.repeat(gaps, pieces) + longest * ranges(np.zeros_like(pieces), pieces)
    needed = len(begins_g) + len(cuts)
    room = most_games + shape[0]
    room += _PIECES if needed <= room + _PIECES else tokens // longest
    further = np.setdiff1d(ranges(gaps, sizes), cuts, assume_unique=True)[: room - needed]
    return np.append(np.sort(np.concatenate((begins_g, cuts, further))), tokens)


def _games_and_times(
    begins_g: NDArray[np.int64], lengths_g: NDArray[np.int64], shape: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    marks = np.zeros(shape, dtype=np.int32)
    marks[:, 0] = 1
    ends = begins_g + lengths_g
    marks.flat[begins_g] = 1
    marks.flat[ends[ends % shape[1] > 0]] = 1
    times = np.zeros(shape, dtype=np.int32)
    times.flat[ranges(begins_g, lengths_g)] = ranges(np.zeros_like(lengths_g), lengths_g)
    return np.cumsum(marks, axis=1, dtype=np.int32) - 1, times
