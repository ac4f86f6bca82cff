"""Groups of curves whose runs differ by their seeds alone: mean and 95 % band over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from pawn_core.config.facts import Metric
from pawn_lab.analysis.bands import half_widths
from pawn_lab.analysis.curves import Point
from pawn_lab.analysis.groups import BASELINE, Run, told_apart
from pawn_lab.analysis.groups import grouped as by_settings
from pawn_lab.analysis.traces import Trace
from pawn_lab.configs import setting_text
from pawn_lab.states import BROKE_OFF


@dataclass(frozen=True)
class GroupCurve:
    """The mean of a metric over the runs of a group, at the steps that all of them have.

    short: runs that broke off before the others' end, which are left out.
    """

    label: str
    metric: Metric
    trials: list[int]
    short: list[str]
    n: int
    step: np.ndarray
    x: np.ndarray
    mean: np.ndarray
    half: np.ndarray

    def shown(self, where: np.ndarray) -> dict[str, Any]:
        """Return what a chart draws of it: some of its points."""
        mean, half = self.mean[where], self.half[where]
        return {
            "label": self.label,
            "metric": self.metric.name,
            "trials": self.trials,
            "short": self.short,
            "n": self.n,
            "x": self.x[where],
            "mean": mean,
            "low": mean - half,
            "high": mean + half,
        }


class Grouped(NamedTuple):
    """The groups of a metric, and by label the names of the runs of each."""

    groups: list[GroupCurve]
    members: dict[str, list[str]]


def grouped(traces: Sequence[Trace]) -> Grouped:
    """Group traces of one metric, each with values, by their settings."""
    by_name = {trace.run.name: trace for trace in traces}
    ends = [_with_end(trace) for trace in traces]
    found, _ = by_settings(ends)
    labels = [setting_text(told) or BASELINE for told in told_apart(found)] if found else []
    members = {
        label: [run.name for run in group.runs] for label, group in zip(labels, found, strict=True)
    }
    curves = [
        group_curve(label, [by_name[name] for name in names]) for label, names in members.items()
    ]
    return Grouped(curves, members)


def _with_end(trace: Trace) -> Run:
    """Return a run with the one point that tells how long it is."""
    return replace(trace.run, points=[Point(trace.last_step, 0.0, 0.0, 0.0)])


def group_curve(label: str, traces: Sequence[Trace]) -> GroupCurve:
    """Return the mean over runs of a group."""
    taken, short = _without_short(traces)
    step, rows = _common(taken)
    values = np.stack([trace.y[own] for trace, own in zip(taken, rows, strict=True)])
    x = np.stack([trace.x[own] for trace, own in zip(taken, rows, strict=True)])
    return GroupCurve(
        label=label,
        metric=taken[0].metric,
        trials=list(dict.fromkeys(trace.run.id for trace in traces)),
        short=short,
        n=len(taken),
        step=step,
        x=x.mean(axis=0),
        mean=values.mean(axis=0),
        half=half_widths(values),
    )


def _without_short(traces: Sequence[Trace]) -> tuple[list[Trace], list[str]]:
    """Leave out the runs that broke off before the end that the others have in common."""
    going = [trace for trace in traces if trace.run.trial.state not in BROKE_OFF]
    end = min((trace.last_step for trace in going), default=0)
    taken = [trace for trace in traces if trace in going or trace.last_step >= end]
    return taken, [trace.run.name for trace in traces if trace not in taken]


def _common(traces: list[Trace]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the steps that all traces have, and where each trace has them."""
    steps = traces[0].step
    if all(np.array_equal(steps, trace.step) for trace in traces[1:]):
        return steps, [np.arange(len(steps))] * len(traces)
    common = np.unique(steps)
    for trace in traces[1:]:
        common = np.intersect1d(common, trace.step)
    orders = [np.argsort(trace.step, kind="stable") for trace in traces]
    return common, [
        order[np.searchsorted(trace.step, common, sorter=order)]
        for trace, order in zip(traces, orders, strict=True)
    ]
