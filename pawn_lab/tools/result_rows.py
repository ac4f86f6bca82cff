"""The rows of lab_results: trials by ablation, the best first, Pareto fronts, what to try next."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from pawn_core.config import RunConfig
from pawn_core.config.facts import Metric
from pawn_lab.analysis import pareto
from pawn_lab.analysis.groups import BASELINE, Run, distinguished, runs_of
from pawn_lab.analysis.pareto import Price
from pawn_lab.analysis.suggestions import comparable, suggestions
from pawn_lab.configs import setting_text
from pawn_lab.lab import Lab
from pawn_lab.records import TrialResult
from pawn_lab.reporting.metrics import of_merit
from pawn_lab.states import HOLDING
from pawn_lab.tools.values import Answer, Number, RunRow

MOST_CURVES = 200
"""Fronts, next points and forecasts are of at most so many trials: each curve is read whole."""


class ResultRow(RunRow):
    """One trial: its setting, its best and its last evaluation, and the step of each.

    `beside` holds further metrics of the last one, a column each.
    """

    named: ClassVar = {
        "best_value": "best_{metric}",
        "best_step": "best_{unit}",
        "last_value": "last_{metric}",
        "last_step": "last_{unit}",
    }

    trial_id: int
    variant: str | None = None
    ablation: str
    lr: Number = None
    state: str
    parent: int | None = None
    best_value: Number = None
    best_step: int | None = None
    last_value: Number = None
    last_step: int | None = None
    beside: dict[str, Number] = Field(default_factory=dict)
    cost: Number = None
    best: bool | None = None

    def columns(self, field: str, value: Any) -> dict[str, Any]:
        """Return a field's value by its column; each metric in `beside` has its own."""
        return value if field == "beside" else super().columns(field, value)


class FrontRow(Answer):
    """A trial that no other of its `front` beats in both numbers; fronts are evaluated apart."""

    front: int
    trial_id: int
    variant: str | None = None
    price: Number = None
    value: Number = None


class NextRow(Answer):
    """The next point beside these trials, from which it follows; without lr and set no further one.

    set: other fields to set with lr.
    """

    trial_ids: list[int]
    lr: Number = None
    set: dict[str, Number] | None = None
    why: str


class Curves(NamedTuple):
    """Curves of one metric."""

    metric: Metric
    runs: list[Run]


def front_rows(lab: Lab, curves: list[Curves], price: Price) -> list[FrontRow]:
    """Show the Pareto fronts, one for each evaluation set."""
    sets = [
        (alike, metric)
        for metric, runs in curves
        for alike in pareto.evaluated_alike(pareto.placed(lab, runs, price, metric))
    ]
    return [
        FrontRow(
            front=number,
            trial_id=placed.run.id,
            variant=placed.run.variant or None,
            price=placed.price,
            value=placed.value,
        )
        for number, (members, metric) in enumerate(sets, 1)
        for placed in pareto.front(members, metric)
    ]


def next_rows(lab: Lab, metric: Metric, runs: list[Run]) -> list[NextRow]:
    """Show what to try next beside runs, and from which trials that follows."""
    return [
        NextRow(
            trial_ids=sorted({run.id for run in suggestion.runs}),
            lr=suggestion.point.get("lr"),
            set={name: value for name, value in suggestion.point.items() if name != "lr"} or None,
            why=suggestion.why,
        )
        for suggestion in suggestions(runs, _others(lab, runs, metric), metric)
    ]


def result_rows(group: list[TrialResult]) -> list[ResultRow]:
    """Show the trials of one ablation, given best first; the first is marked, if it has a value."""
    rows = [_row(result) for result in group]
    if rows[0].best_value is not None:
        rows[0].best = True
    return rows


def _row(result: TrialResult) -> ResultRow:
    kind, last = result.config.kind, result.last.metrics if result.last else {}
    return ResultRow.for_kind(
        kind,
        trial_id=result.id,
        variant=result.variant or None,
        ablation=ablation_text(result),
        lr=result.config.get("lr"),
        state=result.state,
        parent=result.parent,
        best_value=result.best.metrics.get(kind.merit.metric) if result.best else None,
        best_step=result.best.step if result.best else None,
        last_value=last.get(kind.merit.metric),
        last_step=result.last.step if result.last else None,
        beside={name: last[name] for name in kind.beside_merit if last.get(name) is not None},
        cost=result.cost or None,
    )


def without_common(results: list[TrialResult]) -> tuple[list[TrialResult], dict[str, Any]]:
    """Take out of ablations, and return, which weights and data all have that could have others."""
    values: dict[str, list[Any]] = {}
    for result in results:
        for name in _sources(result):
            values.setdefault(name, []).append(result.ablation.get(name))
    common = {name: given[0] for name, given in values.items() if _all_alike(given)}
    bare = [
        result.model_copy(
            update={"ablation": {n: v for n, v in result.ablation.items() if n not in common}}
        )
        for result in results
    ]
    return bare, common


def _sources(result: TrialResult) -> frozenset[str]:
    """Return the fields of an ablation that say which weights and files a run starts from."""
    kind = result.config.kind
    return frozenset(kind.fields_marked("ablation")) & (
        kind.path_fields.keys() | kind.weights_fields
    )


def _all_alike(values: list[Any]) -> bool:
    return values[0] is not None and all(value == values[0] for value in values)


def ablation_text(result: TrialResult) -> str:
    """Return the ablation as rows name it."""
    return setting_text(result.ablation) or BASELINE


_OWN_KIND = (
    "An ablation of the {0} or the sequence is validated on {0} of its own kind: compare "
    "{1} between learning rates of one ablation, not across such ablations."
)
_HOMONYM = "{0} is {1}, by run type: compare it within one."
_OTHER = "{0} of another {1} is of other {2}: compare it within one ablation."


def ranked(
    results: list[TrialResult],
) -> tuple[list[TrialResult], list[ResultRow], dict[str, int]]:
    """Return the results best first within their ablation, their rows, and the best of each."""
    merits = {result.config.kind.merit for result in results if result.config.kind.merit.exists}
    name = _group if len(merits) < 2 else _group_of_type
    ordered = sorted(results, key=lambda result: (name(result), _rank(result), result.id))
    rows: list[ResultRow] = []
    best: dict[str, int] = {}
    for title, members in groupby(filter(has_shown, ordered), key=name):
        rows.extend(group := result_rows(list(members)))
        if group[0].best:
            best[title] = group[0].trial_id
    return ordered, rows, best


def _rank(result: TrialResult) -> float:
    merit = result.config.kind.merit
    return merit.rank(result.best.metrics if result.best else {})


def _group(result: TrialResult) -> str:
    """Return the ablation, after the name of the variant where there is one."""
    return f"{result.variant} {ablation_text(result)}".lstrip()


def _group_of_type(result: TrialResult) -> str:
    """Return the ablation after the run type, where not all are ranked by one metric."""
    return f"{result.config['run_type']} {_group(result)}"


def not_comparable(results: Iterable[TrialResult]) -> list[str]:
    """Say between which trials the metric of merit is not comparable."""
    by_metric: dict[Metric, list[TrialResult]] = {}
    for result in filter(_is_ranked, results):
        by_metric.setdefault(of_merit(result.config.kind), []).append(result)
    notes = [note for alike in by_metric.values() for note in _ablated_otherwise(alike)]
    return notes + _called_alike(by_metric)


def _is_ranked(result: TrialResult) -> bool:
    return result.config.kind.merit.exists


def _called_alike(metrics: Iterable[Metric]) -> list[str]:
    """Name the metrics that are something else in another run type."""
    titles: dict[str, list[str]] = {}
    for metric in metrics:
        titles.setdefault(metric.name, []).append(metric.title)
    return [_HOMONYM.format(n, " and ".join(own)) for n, own in titles.items() if len(own) > 1]


def _ablated_otherwise(results: list[TrialResult]) -> list[str]:
    """Say which ablations among trials of one metric of merit are measured on something else."""
    ablated = [result.ablation for result in results]
    varied = {name for own in distinguished(ablated) for name in own}
    kinds = dict.fromkeys(result.config.kind for result in results)
    return list(dict.fromkeys(filter(None, (_ablated(kind, varied) for kind in kinds))))


def _ablated(kind: type[RunConfig], varied: set[str]) -> str | None:
    if of_merit(kind).own_kind:
        own = varied & kind.measured_on
        return _OWN_KIND.format(kind.kinds.name, kind.merit.metric) if own else None
    data = kind.measured_on - kind.kinds.fields
    other = [name for name in kind.fields_marked("ablation") if name in data & varied]
    return _OTHER.format(kind.merit.metric, ", ".join(other), kind.sample) if other else None


def has_shown(result: TrialResult) -> bool:
    """Whether a trial has an evaluation, or runs towards one."""
    if result.best is not None:
        return True
    return result.state in HOLDING and result.config.kind.merit.exists


def _others(lab: Lab, runs: list[Run], metric: Metric) -> list[Run]:
    """Return the newest trials beside those shown that a next point has to reckon with."""
    if not runs:
        return []
    near = comparable(lab, runs)
    newest = near[max(0, len(near) + len({run.id for run in runs}) - MOST_CURVES) :]
    return runs_of(lab, newest, metric)
