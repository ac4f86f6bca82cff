"""The metrics that trials have, and the panels in which their run types show them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pawn_core.config.errors import did_you_mean
from pawn_core.config.facts import Metric, Panel
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.reporting.metrics import Kind, kinds_of, of_merit
from pawn_lab.trials import measurements
from pawn_lab.trials.columns import KINDS
from pawn_lab.views.reading import ready
from pawn_lab.views.view import View

OTHERS = "Others"


def metrics(lab: Lab, trials: list[int] | None = None, tag: str | None = None) -> dict[str, Any]:
    """Return the metrics that records of trials carry, by the panels of their run types.

    Metrics of which no panel speaks are in a last one. `merit` is that by which the first trial
    is ranked.
    """
    read = ready(lab, queries.selected(lab, trials, tag))
    kinds = kinds_of(read.trials)
    carried = {metric.name: metric for metric in carried_by(lab, read.trials)}
    return {
        "merit": of_merit(kinds[0])._asdict(),
        "metrics": [metric._asdict() for metric in carried.values()],
        "panels": [panel._asdict() for panel in _panels(kinds, list(carried))],
        "pending": read.pending,
    }


def _panels(kinds: Sequence[Kind], names: list[str]) -> list[Panel]:
    """Return the panels of run types as far as there is something to show, then the others."""
    declared = dict.fromkeys(panel for kind in kinds for panel in kind.panels)
    panels = [panel.of(names) for panel in declared]
    shown = {name for panel in panels for name in panel.metrics}
    rest = Panel(OTHERS, tuple(name for name in names if name not in shown))
    return [panel for panel in [*panels, rest] if panel.metrics]


def carried_by(lab: Lab, trials: Iterable[Trial]) -> Iterator[Metric]:
    """Yield the metrics of trials' records, those first that a run type speaks of."""
    found: dict[str, Metric] = {}
    stated: dict[str, Metric] = {}
    for trial in trials:
        measured = measurements.latest(lab.paths.trial(trial.id))
        kind = trial.config.kind
        for record in KINDS:
            for name in (name for own in measured.names(record).values() for name in own):
                its = kind.metric(name)
                if its is not None and its.record == record:
                    stated.setdefault(name, its)
                found[name] = Metric(name, name, None, record)
    yield from stated.values()
    yield from (metric for name, metric in found.items() if name not in stated)


def resolved(lab: Lab, trials: Sequence[Trial], name: str | None) -> Metric:
    """Return a metric of trials by its name; None: that by which the first is ranked.

    Raises:
        InvalidRequestError: none of them has it; lists what they have.
    """
    kinds = kinds_of(trials)
    if name is None:
        return of_merit(kinds[0])
    stated = next((metric for kind in kinds if (metric := kind.metric(name))), None)
    if stated:
        return stated
    carried = {metric.name: metric for metric in carried_by(lab, trials)}
    if name in carried:
        return carried[name]
    raise InvalidRequestError(
        f"metric {name[:100]!r} is not allowed{did_you_mean(name[:100], list(carried))}; "
        f"one of: {', '.join(carried)}"
    )


METRICS = View(metrics, title="Metrics of trials by panel")
