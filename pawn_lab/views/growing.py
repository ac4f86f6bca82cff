"""What came to curves since an answer: new points alone, in time proportional to them.

A cursor names the event up to which an answer knew the lab, and of each trial that went on then how
many records it had. How the curves were labelled and grouped is remembered by the question; where
that is forgotten, or what happened since changes it, there is no news but a whole answer.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import Run
from pawn_lab.analysis.traces import Trace, Traces
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.states import ACTIVE, BROKE_OFF, State
from pawn_lab.trials import measurements
from pawn_lab.trials.measurements import Measurements
from pawn_lab.trials.requests import MOST_EVENTS
from pawn_lab.views.cursors import matched
from pawn_lab.views.groups import group_curve

MOST_LAYOUTS = 16
_REARRANGING = frozenset({State.QUEUED, "storage", "tags", *BROKE_OFF})
"""Events after which curves may be others, or may be named or grouped otherwise."""
_CURSOR = re.compile(r"(\d{1,19})((?:-\d{1,19}\.\d{1,19}\.\d{1,10})*)")

Json = dict[str, Any]


class CurvesQuestion(NamedTuple):
    """What an answer was asked for."""

    workspace: Path
    trials: tuple[int, ...] | None
    tag: str | None
    metrics: tuple[str, ...] | None
    x: str
    most: int
    singles: bool


class Reached(NamedTuple):
    """How many records a trial's stream had, by the number of its reading."""

    trial: int
    records: int
    reading: int


class CurvesCursor(NamedTuple):
    """What an answer knew: events, and the streams of the trials that went on."""

    event: int
    reached: list[Reached]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a page passes as `since`.

        Raises:
            InvalidRequestError: it is no cursor.
        """
        match = matched(_CURSOR, text)
        parts = [part.split(".") for part in match[2].split("-")[1:]]
        return cls(int(match[1]), [Reached(*map(int, part)) for part in parts])

    def __str__(self) -> str:
        return "-".join([str(self.event), *(".".join(map(str, r)) for r in self.reached)])


@dataclass(frozen=True)
class Layout:
    """How an answer's curves are named and grouped."""

    metrics: list[Metric]
    axis: Axis | Metric
    labels: dict[str, str]
    groups: list[dict[str, list[str]]]
    """Of each metric: names of runs by label."""
    trials: dict[str, int]
    """By the name of a run."""
    inherited: dict[tuple[str, str], int]
    """How many points of a curve are of what its trial continues, by run and metric."""

    @cached_property
    def of_run(self) -> list[dict[str, str]]:
        """Of each metric the label of the group by the name of a run."""
        return [{name: label for label, own in g.items() for name in own} for g in self.groups]

    def named(self, run: Run, metric: Metric) -> Json:
        """Return what a curve is called."""
        return {
            "trial": run.id,
            "variant": run.variant,
            "label": self.labels[run.name],
            "group": self.of_run[self.metrics.index(metric)].get(run.name),
            "metric": metric.name,
        }


_lock = threading.Lock()
_LAYOUTS: OrderedDict[CurvesQuestion, Layout] = OrderedDict()
"""By question, the latest last."""


def remembered(asked: CurvesQuestion, layout: Layout) -> Layout:
    """Keep the layout of the answer to a question."""
    with _lock:
        _LAYOUTS.pop(asked, None)
        _LAYOUTS[asked] = layout
        while len(_LAYOUTS) > MOST_LAYOUTS:
            _LAYOUTS.popitem(last=False)
    return layout


def reached(lab: Lab, trials: Sequence[Trial]) -> list[Reached]:
    """Return how far the streams are of the trials that go on: an answer tells no more of them."""
    active = {trial.id for trial in trials if trial.state in ACTIVE}
    return [_reached(trial_id, _measured(lab, trial_id)) for trial_id in sorted(active)]


def unread(pending: Sequence[int]) -> list[Reached]:
    """Return what was reached of trials that are not read yet."""
    return [Reached(trial_id, 0, 0) for trial_id in pending]


def _measured(lab: Lab, trial_id: int) -> Measurements:
    return measurements.latest(lab.paths.trial(trial_id))


def _reached(trial_id: int, measured: Measurements) -> Reached:
    reading = measured.reading if measured.records else 0  # of no stream there is no reading
    return Reached(trial_id, measured.records, reading)


def news(lab: Lab, asked: CurvesQuestion, before: CurvesCursor) -> Json | None:
    """Return what came after a cursor; None where only a whole answer tells it."""
    layout, event = _LAYOUTS.get(asked), queries.latest_event(lab)
    if layout is None or _is_rearranged(lab, before.event, event):
        return None
    now = [_reached(reached.trial, _measured(lab, reached.trial)) for reached in before.reached]
    pairs = list(zip(before.reached, now, strict=True))
    if any(a.reading != b.reading or b.records < a.records for a, b in pairs):
        return None
    grown = {a.trial: a.records for a, b in pairs if a != b}
    if grown and isinstance(layout.axis, Metric):
        return None  # its curves are sorted by values that go up and down
    came = _Came(lab, layout, grown, {b.trial: b.records for b in now})
    groups = came.groups()
    if groups is None or came.has_new_curves:
        return None
    return {
        "x": asked.x,
        "metrics": [metric._asdict() for metric in layout.metrics],
        "curves": came.curves(asked.most) if asked.singles else [],
        "groups": groups,
        "pending": [],
        "whole": False,
        "cursor": str(CurvesCursor(event, now)),
    }


def _is_rearranged(lab: Lab, since: int, event: int) -> bool:
    if event < since:
        return True  # the lab was put back to an earlier state
    page = queries.events(lab, since, MOST_EVENTS)
    return page.more or any(event.kind in _REARRANGING for event in page.events)


class _Came:
    """The points that came to trials after so many records."""

    def __init__(
        self, lab: Lab, layout: Layout, grown: dict[int, int], until: dict[int, int]
    ) -> None:
        self._lab, self._layout, self._grown, self._until = lab, layout, grown, until
        self._fresh = [trace for trace in self._read(grown, grown) if len(trace.y)]

    def _read(self, trials: Iterable[int], after: Mapping[int, int]) -> list[Trace]:
        numbers, layout = sorted(trials), self._layout
        chosen = queries.selected(self._lab, numbers) if numbers else []
        traces = Traces(self._lab, chosen, self._until)
        return [
            trace
            for run in traces.runs
            for trace in traces.of(run, layout.metrics, layout.axis, after.get(run.id, 0))
        ]

    @property
    def has_new_curves(self) -> bool:
        """Whether a run has its first values, which changes groups."""
        return any(trace.key not in self._layout.inherited for trace in self._fresh)

    def curves(self, most: int) -> list[Json]:
        """Return the points that came to each curve; they need no thinning."""
        return [self._curve(trace, most) for trace in self._fresh]

    def _curve(self, trace: Trace, most: int) -> Json:
        run, metric = trace.run, trace.metric
        own = _measured(self._lab, run.id).count(metric.record, run.variant, metric.name)
        seen = self._layout.inherited[trace.key] + own
        points = {"x": trace.x, "y": trace.y, "seen": seen, "sampled": seen > most}
        return self._layout.named(run, metric) | points

    def groups(self) -> list[Json] | None:
        """Return the points that came to each group; None where its members changed."""
        keys = {trace.key for trace in self._fresh}
        grown = [
            (metric, label, names)
            for metric, of_metric in zip(self._layout.metrics, self._layout.groups, strict=True)
            for label, names in of_metric.items()
            if any((name, metric.name) in keys for name in names)
        ]
        trials = {self._layout.trials[name] for _, _, names in grown for name in names}
        whole = {trace.key: trace for trace in self._read(trials, {})}
        shown = []
        for metric, label, names in grown:
            members = [whole[name, metric.name] for name in names]
            before = group_curve([self._until_then(trace) for trace in members])
            after = group_curve(members)
            if before.short != after.short or not len(before.step):
                return None
            came = np.flatnonzero(after.step > before.step.max())
            shown.append(after.at(came).shown(label))
        return shown

    def _until_then(self, trace: Trace) -> Trace:
        if trace.run.id not in self._grown:
            return trace
        return trace.at(trace.number <= self._grown[trace.run.id])
