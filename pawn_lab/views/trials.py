"""The table of trials: a row for each of their models, and after the first answer what changed."""

import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from pawn_lab.analysis.curves import Lineages
from pawn_lab.analysis.groups import group_key
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.reporting.metrics import Kind, of_merit
from pawn_lab.states import ACTIVE
from pawn_lab.trials.requests import MOST_EVENTS
from pawn_lab.views import standings
from pawn_lab.views.cursors import matched
from pawn_lab.views.reading import BUDGET_S
from pawn_lab.views.standings import ModelStanding
from pawn_lab.views.view import View

Json = dict[str, Any]

COLUMNS = (
    *("id", "variant", "run_type", "state", "tags", "hypothesis", "parent", "sweep", "group"),
    *("step", "target", "eta_s", "best", "best_step", "last", "last_step", "cost"),
    *("created_at", "started_at", "ended_at", "settings"),
)
_FIRST_OF_GROUPS: dict[Path, dict[str, int]] = {}
"""By workspace the first trial of each group, for answers of what changed."""
UNREAD = ModelStanding()
"""Of a model whose stream is read later."""
MOST_READ = 100
"""Trials that an answer of what changed reads for the first time."""
_CURSOR = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,19}))?")


class TableCursor(NamedTuple):
    """The last event that an answer knew of; the trials below a number were not read yet."""

    event: int
    unread_below: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a page passes as `since`.

        Raises:
            InvalidRequestError: it is no cursor.
        """
        match = matched(_CURSOR, text)
        return cls(int(match[1]), int(match[2] or 0))

    @property
    def next_to_read(self) -> range:
        """The newest of the trials that were not read yet."""
        return range(max(1, self.unread_below - MOST_READ), self.unread_below)

    def __str__(self) -> str:
        return f"{self.event}.{self.unread_below}" if self.unread_below else str(self.event)


def trials(lab: Lab, tag: str | None = None, since: str | None = None) -> Json:
    """Return the trials as rows under their columns, `best` and `last` of the metric of merit.

    With the cursor of an earlier answer only the rows that changed, unless `whole` says that they
    replace all. pending: of so many trials the stream is not read yet, newer ones come first.
    settings: fields that are not at their defaults, which are in `kinds` by run type. group: the
    first trial of those that differ from this one by their seeds alone.
    """
    event = queries.latest_event(lab)
    before = TableCursor.parse(since) if since is not None else None
    changed = None if before is None else _changed(lab, before, tag)
    if changed is None:
        everything, first = queries.trials(lab), {}
        groups = _groups(lab, everything, first)
        _FIRST_OF_GROUPS[lab.paths.root] = first
        chosen = [trial for trial in everything if tag is None or tag in trial.tags]
    else:
        chosen = changed
        groups = _groups(lab, changed, _FIRST_OF_GROUPS[lab.paths.root])
    rest = 0 if before is None or changed is None else max(0, before.next_to_read.start - 1)
    found = _standings(lab, chosen, rest)
    etas = {trial.id: _seconds_left(lab, trial) for trial in chosen if trial.state in ACTIVE}
    return {
        "cursor": str(TableCursor(event, found.unread_below)),
        "whole": changed is None,
        "pending": found.pending,
        "kinds": _kinds(chosen),
        "columns": COLUMNS,
        "rows": [
            _row(trial, model, groups[trial.id, model], standing, etas.get(trial.id))
            for trial, model, standing in found.rows
            if changed is None or standing is not UNREAD
        ],
    }


def _changed(lab: Lab, before: TableCursor, tag: str | None) -> list[Trial] | None:
    """Return the trials of which something changed; None where all are to be told anew."""
    if before.event > queries.latest_event(lab):
        return None  # the lab was put back to an earlier state
    events = queries.events(lab, before.event, MOST_EVENTS)
    if events.more or lab.paths.root not in _FIRST_OF_GROUPS:
        return None
    if any(event.kind == "storage" or (tag and event.kind == "tags") for event in events.events):
        return None  # some may have been archived, or may have lost the tag
    numbers = queries.changed(lab, before.event) | set(before.next_to_read)
    known = queries.selected(lab, sorted(numbers)) if numbers else []
    shown = (trial for trial in known if not trial.archived)
    return [trial for trial in shown if tag is None or tag in trial.tags]


def _groups(lab: Lab, chosen: Sequence[Trial], first: dict[str, int]) -> dict[tuple[int, str], int]:
    """Return by trial and model the first trial of its group; `first` has those known so far."""
    lineages = Lineages(lab, chosen)
    return {
        (trial.id, model): first.setdefault(group_key(lab, lineages, trial, model), trial.id)
        for trial in chosen
        for model in trial.config.models
    }


class _Found(NamedTuple):
    rows: list[tuple[Trial, str, ModelStanding]]
    pending: int
    unread_below: int


def _standings(lab: Lab, chosen: Sequence[Trial], rest: int) -> _Found:
    """Return the standings, the newest trials read first as long as the budget lasts.

    rest: so many more, the first ones of the lab, are to be read by a later answer.
    """
    rows, waiting = [], []
    end = time.monotonic() + BUDGET_S
    for trial in reversed(chosen):
        paths, merit = lab.paths.trial(trial.id), trial.config.kind.merit
        for model in trial.config.models:
            known = standings.remembered(paths, merit, model)
            if known is None and time.monotonic() > end:
                waiting.append(trial.id)
                known = UNREAD
            rows.append((trial, model, known or standings.standing(paths, merit, model)))
    below = max([rest, *waiting]) + 1
    return _Found(rows[::-1], len(set(waiting)) + rest, below if rest or waiting else 0)


def _seconds_left(lab: Lab, trial: Trial) -> float | None:
    config = trial.config
    return standings.seconds_left(
        lab.paths.trial(trial.id), config.kind, config.models[0], config.target
    )


def _row(
    trial: Trial, model: str, group: int, standing: ModelStanding, eta_s: float | None
) -> list[Any]:
    config = trial.config
    own = (trial.id, model, config["run_type"], trial.state, trial.tags, trial.hypothesis)
    place = (trial.parent, trial.sweep, group)
    step = trial.from_step if standing.step is None else standing.step
    times = (_rounded(at, 0) for at in (trial.created_at, trial.started_at, trial.ended_at))
    return [
        *own,
        *place,
        *(step, config.target, _rounded(eta_s, 1)),
        *(standing.best, standing.best_step, standing.last, standing.last_step),
        *(_rounded(trial.cost, 6), *times, config.of_model(model).beyond_defaults),
    ]


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits or None)


def _kinds(chosen: Iterable[Trial]) -> dict[str, Json]:
    """Return of each run type what its numbers are, and the defaults of the fields that are set."""
    fields: dict[str, dict[str, None]] = {}
    kinds: dict[str, Kind] = {}
    for trial in chosen:
        name = trial.config["run_type"]
        kinds.setdefault(name, trial.config.kind)
        fields.setdefault(name, {}).update(dict.fromkeys(trial.config.beyond_defaults))
    return {name: _kind(kind, fields[name]) for name, kind in kinds.items()}


def _kind(kind: Kind, fields: Iterable[str]) -> Json:
    merit, defaults = of_merit(kind), kind.defaults()
    return {
        "metric": merit.name,
        "better": merit.better,
        "unit": kind.progress.unit,
        "defaults": {name: defaults[name] for name in fields if name in defaults},
    }


TRIALS = View(trials, title="Table of trials")
