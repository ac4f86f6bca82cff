"""What is drawn beside curves: what happened to them, what was expected of them, their floors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis, Lineages, Point
from pawn_lab.analysis.final_loss import Course, course
from pawn_lab.analysis.groups import Run
from pawn_lab.analysis.marks import Mark, turns
from pawn_lab.analysis.traces import Trace, Traces
from pawn_lab.lab import Lab, queries
from pawn_lab.states import BROKE_OFF, ENDED
from pawn_lab.trials.columns import Points

MOST_MARKED = 20
"""Runs of which marks and forecasts are told; more would hide the curves."""
_RATE = Metric("lr", "learning rate", None, "train")
_MOST_RATES = 1024
_MOST_FITTED = 64
_SHARE = 0.5
"""Of the steps of a run that has ended after which its forecast was made."""
_TOLD = frozenset({"stuck", "checkpoint_rejected", "early_stop", "adopted", *BROKE_OFF})

Json = dict[str, Any]


def marks(lab: Lab, traces: Traces, axis: Axis | Metric, labels: Mapping[str, str]) -> list[Json]:
    """Return where runs were resumed, where their learning rate turned, and their events."""
    if isinstance(axis, Metric) or len(traces.runs) > MOST_MARKED:
        return []
    return [
        {
            "trial": run.id,
            "variant": run.variant,
            "label": labels[run.name],
            "x": x,
            "kind": mark.kind,
            "text": mark.text,
        }
        for run in traces.runs
        for x, mark in _placed(lab, traces, run, axis)
    ]


def _placed(lab: Lab, traces: Traces, run: Run, axis: Axis) -> Iterator[tuple[float, Mark]]:
    [rate] = traces.of(run, [_RATE], axis)
    if not len(rate.step):
        return
    happened = [*_resumes(lab, run), *_turns(rate), *_events(lab, traces, run)]
    for mark in sorted(happened, key=lambda mark: mark.step):
        at = int(np.searchsorted(rate.step, mark.step, side="right")) - 1
        if at >= 0:
            yield float(rate.x[at]), mark


def _resumes(lab: Lab, run: Run) -> Iterator[Mark]:
    for trial in Lineages(lab).of(run.trial)[1:]:
        if trial.from_step is not None:
            yield Mark(trial.from_step, "resume", f"resumed as {trial.id}")


def _turns(rate: Trace) -> Iterator[Mark]:
    every = max(1, len(rate.step) // _MOST_RATES)
    known = rate.at(~np.isnan(rate.y)).at(slice(None, None, every))
    steps, rates = known.step.astype(int).tolist(), known.y.tolist()
    return turns(list(zip(steps, rates, strict=True)))


def _events(lab: Lab, traces: Traces, run: Run) -> Iterator[Mark]:
    moments = traces.moments(run.trial, run.variant)
    for event in queries.events_of(lab, run.id):
        if event.kind in _TOLD and len(moments.step):
            yield Mark(_step_at(moments, event.time), "event", event.message)


def _step_at(moments: Points, time: float) -> int:
    at = int(np.searchsorted(moments.time, time, side="right")) - 1
    return int(moments.step[max(at, 0)])


def band(trace: Trace, label: str) -> Json | None:
    """Return the losses expected of a run: from now to its end, or of an ended one from half way.

    None where none are expected, or it is no loss that can be.
    """
    expected = _course(trace) if _is_forecast(trace) else None
    if expected is None:
        return None
    losses = np.array(expected.losses)
    return {
        "label": label,
        "trial": trace.run.id,
        "metric": trace.metric.name,
        "x": np.array(expected.steps, dtype=np.float64),
        "mean": losses[:, 0],
        "low": losses[:, 1],
        "high": losses[:, 2],
    }


def _is_forecast(trace: Trace) -> bool:
    kind, metric = trace.run.kind, trace.metric
    return kind.can_be_forecast and metric.better == "low" and metric.name == kind.merit.metric


def _course(trace: Trace) -> Course | None:
    known = ~np.isnan(trace.y)
    step, value = trace.step[known], trace.y[known]
    share = _SHARE if trace.run.trial.state in ENDED else 1.0
    fitted = np.flatnonzero(step <= share * trace.run.config.target)
    if not len(fitted):
        return None
    chosen = fitted[np.unique(np.linspace(0, len(fitted) - 1, _MOST_FITTED).astype(int))]
    points = [
        Point(int(at), 0.0, 0.0, float(loss))
        for at, loss in zip(step[chosen], value[chosen], strict=True)
    ]
    return course(replace(trace.run, points=points), share)


def floors(traces: Traces, metrics: Sequence[Metric]) -> list[Json]:
    """Return the bounds of metrics that records tell; each value once."""
    told: dict[tuple[str, float], None] = {}
    for run in traces.runs:
        for metric in metrics:
            name = run.kind.floors.get(metric.name)
            if name is not None:
                [trace] = traces.of(run, [Metric(name, name, None, metric.record)], "step")
                told.update({(metric.name, float(trace.y[-1])): None} if len(trace.y) else {})
    return [{"metric": name, "label": "bound", "value": value} for name, value in told]
