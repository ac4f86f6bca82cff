"""Groups of curves whose runs differ by their seeds alone: mean and 95 % band over all of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from pawn_core.config.facts import Metric
from pawn_lab.analysis.bands import half_widths
from pawn_lab.analysis.curves import Point
from pawn_lab.analysis.groups import BASELINE, Group, Run, told_apart
from pawn_lab.analysis.groups import grouped as by_settings
from pawn_lab.analysis.traces import Trace
from pawn_lab.configs import setting_text
from pawn_lab.states import BROKE_OFF


@dataclass(frozen=True)
class GroupCurve:
    """The mean of a metric over the runs of a group, at the steps that all of them have.

    short: runs that broke off before the others' end, which are left out.
    """

    metric: Metric
    trials: list[int]
    short: list[str]
    n: int
    step: np.ndarray
    x: np.ndarray
    mean: np.ndarray
    half: np.ndarray

    def at(self, chosen: np.ndarray) -> "GroupCurve":
        """Return some of its points."""
        step, x, mean, half = (n[chosen] for n in (self.step, self.x, self.mean, self.half))
        return replace(self, step=step, x=x, mean=mean, half=half)

    def shown(self, label: str) -> dict[str, Any]:
        """Return what a chart draws of it."""
        return {
            "label": label,
            "metric": self.metric.name,
            "trials": self.trials,
            "short": self.short,
            "n": self.n,
            "x": self.x,
            "mean": self.mean,
            "low": self.mean - self.half,
            "high": self.mean + self.half,
        }


class Means(NamedTuple):
    """The means of a metric, and the group that each is of."""

    groups: list[Group]
    curves: list[GroupCurve]

    def labels(self) -> list[str]:
        """Return what each group is called: its variant, or what it sets that others do not.

        No two are called the same.
        """
        variants = [" ".join({run.variant for run in group.runs}) for group in self.groups]
        if all(variants) and len(set(variants)) == len(variants):
            return variants
        times = Counter[str]()
        names = []
        for text in (setting_text(own) or BASELINE for own in told_apart(self.groups)):
            times[text] += 1
            names.append(text if times[text] == 1 else f"{text} ({times[text]})")
        return names


def means(traces: Sequence[Trace]) -> Means:
    """Return the means of traces of one metric, each with values, of runs of equal settings."""
    by_name = {trace.run.name: trace for trace in traces}
    groups, _ = by_settings([_with_end(trace) for trace in traces])
    return Means(groups, [group_curve([by_name[r.name] for r in g.runs]) for g in groups])


def _with_end(trace: Trace) -> Run:
    """Return a run with the one point that tells how long it is."""
    return replace(trace.run, points=[Point(trace.last_step, 0.0, 0.0, 0.0)])


def group_curve(traces: Sequence[Trace]) -> GroupCurve:
    """Return the mean over runs of a group."""
    taken, short = _without_short(traces)
    step, rows = _common(taken)
    values = np.stack([trace.y[own] for trace, own in zip(taken, rows, strict=True)])
    x = np.stack([trace.x[own] for trace, own in zip(taken, rows, strict=True)])
    return GroupCurve(
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
