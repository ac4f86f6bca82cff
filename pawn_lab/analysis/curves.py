"""Learning curves that follow a trial's lineage: its ancestors up to each resume, then its own."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

from pawn_core.config.facts import Merit, Metric
from pawn_core.metrics import EVAL, TRAIN, Record
from pawn_lab.lab import Lab, queries, spending
from pawn_lab.records import Spent, Trial
from pawn_lab.trials import streams, variants
from pawn_lab.trials.summaries import TOKENS, Shown, Summary, TokenCount, in_order
from pawn_lab.trials.variants import SINGLE

Axis = Literal["step", "tokens", "hours", "cost"]
"""Optimizer steps; tokens, device-hours or money spent on the trial and what it continues."""


_MOST_STREAMS = 64
"""Streams that are kept at a time: those of a sweep's ancestors lie close together."""


class Point(NamedTuple):
    """A metric's value, and what it took to get there."""

    step: int
    hours: float
    cost: float
    value: float
    tokens: float = 0.0


class Segment(NamedTuple):
    """A trial of a lineage and its records up to the step at which the next one starts."""

    trial: Trial
    shown: Shown
    records: list[Record]

    def tokens(self, variant: str, records: list[Record], before: float) -> list[float]:
        """Return the tokens that a model was trained on up to each of its records, `before` too."""
        count = self.shown.tokens.get(variant, TokenCount())
        lead = count.first * (self.trial.from_step or 0)
        own = [record.get(TOKENS) or 0.0 for record in records]
        return [before + max(0.0, tokens - lead) for tokens in own]

    def of(self, variant: str) -> list[Record]:
        """Return the records of a model whose time is known."""
        mine = variants.records_of(self.records, variant)
        return [record for record in mine if record["time"] is not None]


class Lineages:
    """Trials with what they continue: each row, and each stream of late, is read once."""

    def __init__(self, lab: Lab, trials: Iterable[Trial] = ()) -> None:
        self._lab = lab
        self._trials = {trial.id: trial for trial in trials}
        self.summary = lru_cache(_MOST_STREAMS)(self._summary)

    def of(self, trial: Trial | int) -> list[Trial]:
        """Return the trial and its ancestors, oldest first."""
        youngest = self._trial(trial) if isinstance(trial, int) else trial
        older = self.of(youngest.parent) if youngest.parent is not None else []
        return [*older, youngest]

    def _trial(self, trial_id: int) -> Trial:
        if trial_id not in self._trials:
            self._trials[trial_id] = queries.trial(self._lab, trial_id)
        return self._trials[trial_id]

    def _summary(self, trial_id: int, merit: Merit) -> Summary:
        return streams.summary(self._lab.paths.trial(trial_id), merit)

    def segments(self, trial: Trial | int, *, training: bool) -> list[Segment]:
        """Return each trial of the lineage with its records up to where the next one starts.

        training: with the train records, of which there are else only the last ones of the
        ancestors: they tell what it took to get to where they were left.
        """
        trials = self.of(trial)
        older = [
            self._segment(parent, child.from_step, training=training, ancestor=True)
            for parent, child in pairwise(trials)
        ]
        return [*older, self._segment(trials[-1], None, training=training, ancestor=False)]

    def _segment(self, trial: Trial, end: int | None, *, training: bool, ancestor: bool) -> Segment:
        merit = trial.config.kind.merit
        if not (training or ancestor):
            shown = streams.shown(self._lab.paths.trial(trial.id), merit)
            return Segment(trial, shown, shown.evaluations)
        summary = self.summary(trial.id, merit)
        if training:
            records = summary.records
        else:
            records = in_order(summary.shown.evaluations, summary.last_trained(end))
        kept = [record for record in records if end is None or record["step"] <= end]
        return Segment(trial, summary.shown, kept)


def curve(
    lab: Lab,
    trial: Trial | int,
    metric: Metric,
    variant: str = SINGLE,
    lineages: Lineages | None = None,
) -> list[Point]:
    """Return a metric of a trial and of what it was resumed from, by step; nulls are left out.

    Of several models, that of `variant`; hours and cost are those of the whole trial.
    """
    points: list[Point] = []
    before, tokens_before = Spent(0.0, 0.0), 0.0
    of_trial = (lineages or Lineages(lab)).segments(trial, training=metric.record == TRAIN)
    for segment in of_trial:
        records = segment.of(variant)
        spent = spending.spent(lab, segment.trial.id, [record["time"] for record in records])
        totals = [Spent(before.hours + s.hours, before.cost + s.cost) for s in spent]
        tokens = segment.tokens(variant, records, tokens_before)
        points += [
            Point(record["step"], total.hours, total.cost, record[metric.name], seen)
            for record, total, seen in zip(records, totals, tokens, strict=True)
            if record["type"] == metric.record and record.get(metric.name) is not None
        ]
        if records:
            before, tokens_before = totals[-1], tokens[-1]
    return points


def evaluations(lab: Lab, trial: Trial | int) -> list[Record]:
    """Return the evaluation records of a trial and of what it was resumed from, by step."""
    return [
        record
        for segment in Lineages(lab).segments(trial, training=False)
        for record in segment.records
        if record["type"] == EVAL
    ]


def related(lab: Lab, trial_id: int) -> set[int]:
    """Return a trial with what it continues and what continues it, however often."""
    own = {trial.id for trial in Lineages(lab).of(trial_id)}
    parents = {trial.id: trial.parent for trial in queries.trials(lab)}
    return own | {number for number in parents if trial_id in _older(number, parents)}


def _older(trial_id: int | None, parents: dict[int, int | None]) -> Iterator[int]:
    while trial_id is not None:
        yield trial_id
        trial_id = parents[trial_id]
