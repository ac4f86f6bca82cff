"""Positions: what a model of positions says of labelled ones that nothing was trained on.

Shapes: g games, r resamplings, c columns.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import ConfigError
from pawn_core.config.evals import POSITIONS_SHARD
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.evaluation import intervals
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.report import Figure, Report, Table
from pawn_core.multitask import MultitaskTally, evaluate
from pawn_core.multitask.columns import VALUE_BINS
from pawn_core.multitask.figures import FIGURES, FigureKind, bins_of, figures_of_task, values_of
from pawn_core.position_model import LoadedPositionModel
from pawn_core.positions import PositionLibrary, held_out_batches

_SQUARES = 64
_RANKED_RESAMPLINGS = 200  # each sums over all squares
_PARTS = {"policy_top1": "policy_top1", "policy_top5": "policy_top5", "value_sign": "sign_right"}
"""Shares, which can be all or none, and the column of their parts."""
_SHOWN = (*(kind.name for kind in FIGURES), *(f"{task.name}_skill" for task in POSITION_TASKS))
"""Figures that every record has, average precision besides; the others are in tables."""
_DEFINITION = (
    "Held-out positions of a folder, of every source about as many. The model sees whole boards, "
    "but where it is asked for piece: there squares are hidden, and those count. Values are of the "
    "side to move. Intervals are bootstraps over games."
)


class Scorecard(Evaluation):
    """The positions so far."""

    @classmethod
    def check(cls, context: Context[LoadedPositionModel]) -> None:
        """Refuse a folder that holds no position out, or whose files are damaged.

        Raises:
            ConfigError: says what is wrong.
        """
        if not len(_opened(context).val):
            raise ConfigError(
                f"positions {context.config.positions!r} holds no position out: there is nothing "
                "to measure on"
            )

    def __init__(self, context: Context[LoadedPositionModel]) -> None:
        self._context, self._config = context, context.config
        self._library = _opened(context)
        self._rows = self._library.val.sample(self._config.max_positions)
        self._tally = MultitaskTally(self._library.sources)

    def run(self, shard: int) -> None:
        """Let the model look at some positions."""
        self._context.stop.check()
        begin = shard * POSITIONS_SHARD
        rows = self._rows[begin : begin + POSITIONS_SHARD]
        if not len(rows):
            return
        hidden = round(self._config.piece_mask_ratio * _SQUARES)
        batches = held_out_batches(
            self._library.val, rows, POSITIONS_SHARD, hidden, self._config.seed + shard
        )
        device = self._context.runtime.device
        with self._context.runtime.autocast():
            seen = evaluate(
                self._context.pretrained.model,
                (batch.to(device) for batch in batches),
                self._library.sources,
                self._context.stop.check,
            )
        self._tally.join(seen)

    def state(self) -> dict[str, Tensor]:
        """Return what was said of each position so far."""
        return self._tally.state()

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `state` has."""
        self._tally.restore(tensors)

    def report(self) -> Report:
        """Return the figures over all positions and of each source, with intervals over games."""
        figures = {figure.name: figure for figure in figures_of(self._tally)}
        shown = (*_SHOWN, *(name for name in figures if name.endswith("_ap")))
        return Report(
            "positions",
            _DEFINITION,
            tuple(figures[name] for name in shown if name in figures),
            tuple(self._tables(figures)),
            self._facts(),
        )

    def _tables(self, figures: dict[str, Figure]) -> list[Table]:
        columns = ("figure", "value", "low", "high", "n")
        of_sources = [
            (source, *row)
            for source in self._library.sources
            if len(part := self._tally.of_source(source))
            for row in map(_row, figures_of(part))
        ]
        return [
            Table("figures", columns, tuple(map(_row, figures.values()))),
            Table("sources", ("source", *columns), tuple(of_sources)),
            Table(
                "calibration",
                ("from_value", "to_value", "positions", "mean_value", "mean_label"),
                tuple(_calibration(self._tally)),
            ),
        ]

    def _facts(self) -> dict[str, Any]:
        _, sums_gc, _ = self._tally.game_sums()
        return {
            "positions": len(self._tally),
            "games": len(sums_gc),
            "held_out": len(self._library.val),
            "positions_sha256": self._library.digest,
            "piece_mask_ratio": self._config.piece_mask_ratio,
            "seed": self._config.seed,
            "selected_on": self._selected_on(),
        }

    def _selected_on(self) -> bool:
        """Return whether the checkpoint may have been chosen by its loss on the same positions."""
        trained_on, own = self._context.trained_by.get("positions"), self._config.positions
        return bool(trained_on and own and Path(trained_on).absolute() == Path(own).absolute())


def _opened(context: Context[LoadedPositionModel]) -> PositionLibrary:
    assert context.config.positions is not None
    return PositionLibrary.open(Path(context.config.positions))


def _row(figure: Figure) -> tuple[Any, ...]:
    return figure.name, figure.value, figure.low, figure.high, figure.n


def figures_of(tally: MultitaskTally) -> list[Figure]:
    """Return every figure of some positions, average precisions last."""
    names, sums_gc, _ = tally.game_sums()
    columns = dict(zip(names, sums_gc.T, strict=True))
    values = values_of({name: column_g.sum(keepdims=True) for name, column_g in columns.items()})
    spread = values_of(dict(zip(names, intervals.resampled_sums(sums_gc).T, strict=True)))
    of_tasks = [kind for task in POSITION_TASKS for kind in figures_of_task(task)]
    figures = [
        _figure(kind, float(values[kind.name][0]), spread[kind.name], columns)
        for kind in (*FIGURES, *of_tasks)
        if kind.name in values
    ]
    return figures + _average_precisions(tally, len(sums_gc))


def _figure(
    kind: FigureKind,
    value: float,
    spread_r: NDArray[np.float64],
    columns: dict[str, NDArray[np.float64]],
) -> Figure:
    """Return a figure; one without positions has no value."""
    whole_g = columns[kind.whole]
    if np.isnan(value):
        return Figure(kind.name, None, definition=kind.definition)
    shares = (
        intervals.all_or_none(columns[_PARTS[kind.name]], whole_g) if kind.name in _PARTS else None
    )
    ends = shares or intervals.percentiles(spread_r[~np.isnan(spread_r)])
    return Figure(kind.name, value, *ends, int(whole_g.sum()), kind.definition)


def _average_precisions(tally: MultitaskTally, games: int) -> list[Figure]:
    """Return the average precision of each task of yes or no."""
    weights_rg = np.concatenate(
        list(intervals.resamplings_of(games, resamplings=_RANKED_RESAMPLINGS))
    )
    figures = []
    for task, ranking in tally.rankings().items():
        value = ranking.average_precision()
        spread_r = np.array([ranking.average_precision(weights_g) for weights_g in weights_rg])
        measured_r = spread_r[~np.isnan(spread_r)]
        ends = intervals.percentiles(measured_r) if len(measured_r) else intervals.NOTHING
        figures.append(
            Figure(
                f"{task}_ap",
                None if np.isnan(value) else value,
                *ends,
                ranking.positives,
                f"Average precision of the squares where {task} is true, over distinct scores; n "
                f"of them are, which is {ranking.rate:.4g} of all: that of scores that say "
                f"nothing. Interval by {_RANKED_RESAMPLINGS} resamplings of games.",
            )
        )
    return figures


def _calibration(tally: MultitaskTally) -> list[tuple[Any, ...]]:
    """Return the bins of the values said, with their means and those of the labels."""
    names, sums_gc, _ = tally.game_sums()
    sums = dict(zip(names, sums_gc.sum(axis=0)[:, None], strict=True))
    rows = []
    for number, (value, label) in enumerate(bins_of(sums)):
        count = int(sums[f"bin{number}"][0])
        ends = (round(2 * at / VALUE_BINS - 1, 6) for at in (number, number + 1))
        means = (float(value[0]) / count, float(label[0]) / count) if count else (None, None)
        rows.append((*ends, count, *means))
    return rows
