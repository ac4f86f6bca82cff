"""What a model expects in rare and instructive positions, against the exact set of what may follow.

Shapes: k categories, p positions of a category, n positions of a shard, b of a batch,
t tokens, m measures.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from chess_engine import EDGE_CASES
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config.evals import DIAGNOSTIC_SHARD
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.intervals import over_games, share_over_games
from pawn_core.evaluation.positions.diagnostic_positions import (
    CATEGORIES,
    FILES,
    Category,
    DiagnosticPositions,
    PositionGames,
    collect,
)
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.validation.positions import Measures, measure, move_tokens

_BATCH_TOKENS = 16_384
_MASS = "mean probability of the legal moves, exact"
_PAD_MASS = "mean probability of PAD, which is all that may follow"
_DEFINITION = (
    "Positions of plain random games, chosen by what is special about them, from a game at most "
    "one for each flag and side to move; the model sees the moves that lead there and no more. "
    "legal_mass: probability of the legal moves, or of PAD where the game is over. legal_rate: "
    "share of positions whose likeliest token is one of these. kl: KL to the uniform law over "
    "them, nats; none for a model that is told the outcome. Intervals are over games."
)


class Diagnostics(Evaluation):
    """The probability of what may follow, in each kind of position."""

    def __init__(self, context: Context) -> None:
        self._context, self._config = context, context.config
        shape = (len(CATEGORIES), self._config.diagnostic_positions, 3)
        self._measures_kpm = torch.full(shape, torch.nan, dtype=torch.float64)

    def run(self, shard: int) -> None:
        """Measure some positions of each category."""
        begin = shard * DIAGNOSTIC_SHARD
        rows_of = [
            self._rows(category)[begin : begin + DIAGNOSTIC_SHARD] for category in CATEGORIES
        ]
        rows_n = np.concatenate(rows_of)
        if not len(rows_n):
            return
        measures = measure_positions(self._context, self._positions, rows_n)
        columns_nm = torch.stack((measures.legal_mass_n, measures.legal_n, measures.kl_n), dim=1)
        parts = columns_nm.split([len(rows) for rows in rows_of])
        for category_pm, part_pm in zip(self._measures_kpm, parts, strict=True):
            category_pm[begin : begin + len(part_pm)] = part_pm

    def state(self) -> dict[str, Tensor]:
        """Return the measures of every position so far."""
        return {"measures": self._measures_kpm}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the measures of `state`."""
        self._measures_kpm = tensors["measures"].clone()

    def report(self) -> Report:
        """Return each category's mean measures, with intervals over games."""
        results = [self._result(index) for index in range(len(CATEGORIES))]
        return Report(
            name="diagnostics",
            definition=_DEFINITION,
            figures=tuple(result.legal_mass for result in results),
            tables=(_table(results), self._by_file()),
            facts={
                "games_seed": self._config.games_seed,
                "max_ply": self._context.max_ply,
                "games": self._positions.games_searched,
                "positions": sum(result.legal_mass.n for result in results),
                "unfilled": dict(self._unfilled(results)),
            },
        )

    @cached_property
    def _positions(self) -> DiagnosticPositions:
        config, context = self._config, self._context
        games = PositionGames(
            seed=config.games_seed,
            most=config.diagnostic_games,
            max_ply=context.max_ply,
            vocabulary=context.vocabulary,
            threads=torch.get_num_threads(),
        )
        return collect(games, config.diagnostic_positions, context.stop)

    def _rows(self, category: Category) -> NDArray[np.int64]:
        return self._positions.of(category, self._config.diagnostic_positions)

    def _unfilled(self, results: list["_Result"]) -> Iterator[tuple[str, int]]:
        """Yield the categories with fewer positions than asked for, and how many are missing."""
        for result in results:
            missing = self._config.diagnostic_positions - result.legal_mass.n
            if missing:
                yield result.category.name, missing

    def _result(self, index: int) -> "_Result":
        category = CATEGORIES[index]
        rows = self._rows(category)
        games, games_p = np.unique(self._positions.games_n[rows], return_inverse=True)
        mass_p, legal_p, kl_p = self._measures_kpm[index, : len(rows)].numpy().T
        law_known = not self._context.spec.prepend_outcome
        definition = _PAD_MASS if category.over else _MASS
        return _Result(
            category,
            games=len(games),
            legal_mass=_figure(category.name, mass_p, games_p, definition=definition),
            legal_rate=_figure("legal_rate", legal_p, games_p, share=True),
            kl=_figure("kl", kl_p, games_p) if law_known else None,
        )

    def _by_file(self) -> Table:
        """Return the legal mass by the file of the promotion or of the en-passant capture."""
        rows = []
        for index, category in enumerate(CATEGORIES):
            flags = [f"{category.flags[0]}_{file}" for file in FILES]
            if flags[0] in EDGE_CASES:
                rows.extend(self._of_flags(index, flags))
        columns = ("flag", "positions", "legal_mass", "legal_mass_low", "legal_mass_high")
        return Table("by_file", columns, tuple(rows))

    def _of_flags(self, index: int, flags: list[str]) -> Iterator[tuple[Any, ...]]:
        """Yield what the positions of a category that have each of the flags come to."""
        rows = self._rows(CATEGORIES[index])
        mass_p = self._measures_kpm[index, : len(rows), 0].numpy()
        games_p = self._positions.games_n[rows]
        flags_p = self._positions.flags_of(rows, self._context.spec.vocabulary)
        for flag in flags:
            has_p = (flags_p & np.uint64(EDGE_CASES[flag])) != 0
            _, of_flag_p = np.unique(games_p[has_p], return_inverse=True)
            figure = _figure(flag, mass_p[has_p], of_flag_p)
            yield flag, figure.n, figure.value, figure.low, figure.high


class _Result(NamedTuple):
    """The figures of a category."""

    category: Category
    games: int
    legal_mass: Figure
    legal_rate: Figure
    kl: Figure | None


def _figure(
    name: str,
    values_p: NDArray[np.float64],
    games_p: NDArray[np.int64],
    *,
    share: bool = False,
    definition: str = "",
) -> Figure:
    """Return the mean over positions; its interval resamples their games."""
    if not len(values_p):
        return Figure(name, None)
    sums_g, positions_g = np.bincount(games_p, values_p), np.bincount(games_p)
    interval = (share_over_games if share else over_games)(sums_g, positions_g)
    return Figure(name, float(values_p.mean()), *interval, len(values_p), definition)


def _table(results: list[_Result]) -> Table:
    columns = ["category", "expects", "positions", "games"]
    figures = ("legal_mass", "legal_rate", "kl")
    columns += [f"{figure}{end}" for figure in figures for end in ("", "_low", "_high")]
    return Table("categories", tuple(columns), tuple(map(_row, results)))


def _row(result: _Result) -> tuple[Any, ...]:
    expected = "PAD" if result.category.over else "a move"
    figures = (result.legal_mass, result.legal_rate, result.kl or Figure("kl", None))
    numbers = [number for f in figures for number in (f.value, f.low, f.high)]
    return result.category.name, expected, result.legal_mass.n, result.games, *numbers


def measure_positions(
    context: Context, positions: DiagnosticPositions, rows_n: NDArray[np.int64]
) -> Measures:
    """Return the measures of some positions, in the order of `rows_n`.

    Only the moves up to each position are fed, those of like length together.

    Raises:
        Interrupted: the run was asked to stop.
    """
    order_n = np.argsort(positions.lengths_n[rows_n], kind="stable")
    parts = []
    for places_b in _batches(order_n, positions.lengths_n[rows_n]):
        context.stop.check()
        parts.append(_measure_batch(context, positions, rows_n[places_b]))
    restored_n = torch.from_numpy(np.argsort(order_n))
    return Measures(*(torch.cat(part)[restored_n] for part in zip(*parts, strict=True)))


def _batches(
    order_n: NDArray[np.int64], lengths_n: NDArray[np.int32]
) -> Iterator[NDArray[np.int64]]:
    """Yield the places of rising lengths in batches of a limited number of tokens."""
    begin = 0
    while begin < len(order_n):
        widths = lengths_n[order_n[begin:]] + 1
        fitting = np.arange(1, len(widths) + 1) * widths <= _BATCH_TOKENS
        end = begin + max(1, int(fitting.sum()))
        yield order_n[begin:end]
        begin = end


@torch.no_grad()
def _measure_batch(
    context: Context, positions: DiagnosticPositions, rows_b: NDArray[np.int64]
) -> Measures:
    lengths_b = positions.lengths_n[rows_b]
    tokens_bt = positions.tokens_nt[rows_b, : lengths_b.max()].astype(np.int64)
    last_b = lengths_b - 1
    if context.spec.prepend_outcome:
        tokens_bt = np.column_stack((positions.outcomes_n[rows_b], tokens_bt))
        last_b = lengths_b
    flat_b = np.arange(len(rows_b)) * tokens_bt.shape[1] + last_b
    device = context.runtime.device
    with context.runtime.autocast():
        logits_bv = context.model.forward_at(
            torch.from_numpy(tokens_bt).to(device), torch.from_numpy(flat_b).to(device)
        )
    return measure(logits_bv, positions.next_tokens.take(rows_b), move_tokens(context.vocabulary))
