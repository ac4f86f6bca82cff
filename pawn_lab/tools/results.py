"""lab_results: what the trials have shown, sorted for a choice."""

import math
from itertools import groupby
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pawn_core.config.errors import did_you_mean
from pawn_lab.analysis import pareto
from pawn_lab.analysis.curves import related
from pawn_lab.analysis.groups import Run, runs_of
from pawn_lab.analysis.pareto import Price
from pawn_lab.analysis.suggestions import comparable, suggestions
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Evaluation, TrialResult
from pawn_lab.reporting.metrics import metric_of_merit
from pawn_lab.states import HOLDING
from pawn_lab.tools import remarks
from pawn_lab.tools.forecasts import ForecastRow, forecast_rows
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_views import setting_text
from pawn_lab.tools.values import Answer, Number, Table, Tag, TrialId

BASELINE = "baseline"


class ResultRow(Answer):
    """One trial: its setting, its best and its last evaluation, and the step of each."""

    trial_id: int
    variant: str | None = None
    ablation: str
    lr: Number = None
    state: str
    parent: int | None = None
    best_val_loss: Number = None
    best_step: int | None = None
    last_val_loss: Number = None
    last_step: int | None = None
    top1: Number = None
    legal_rate: Number = None
    game_completion: Number = None
    kl: Number = None
    cost: Number = None
    best: bool | None = None


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


def front_rows(runs: list[Run], price: Price) -> list[FrontRow]:
    """Show the Pareto fronts, one for each evaluation set."""
    sets = pareto.evaluated_alike(pareto.placed(runs, price))
    return [
        FrontRow(
            front=number,
            trial_id=placed.run.id,
            variant=placed.run.variant or None,
            price=placed.price,
            value=placed.value,
        )
        for number, members in enumerate(sets, 1)
        for placed in pareto.front(members)
    ]


def next_rows(runs: list[Run], others: list[Run]) -> list[NextRow]:
    """Show what to try next beside runs, and from which trials that follows; others were tried."""
    return [
        NextRow(
            trial_ids=sorted({run.id for run in suggestion.runs}),
            lr=suggestion.point.get("lr"),
            set={name: value for name, value in suggestion.point.items() if name != "lr"} or None,
            why=suggestion.why,
        )
        for suggestion in suggestions(runs, others)
    ]


def result_rows(group: list[TrialResult]) -> list[ResultRow]:
    """Show the trials of one ablation, given best first; the first is marked, if it has a loss."""
    rows = [_row(result) for result in group]
    if rows[0].best_val_loss is not None:
        rows[0].best = True
    return rows


def _row(result: TrialResult) -> ResultRow:
    last = result.last.metrics if result.last else {}
    return ResultRow(
        trial_id=result.id,
        variant=result.variant or None,
        ablation=ablation_text(result),
        lr=result.config.get("lr"),
        state=result.state,
        parent=result.parent,
        best_val_loss=val_loss(result.best),
        best_step=result.best.step if result.best else None,
        last_val_loss=last.get("val_loss"),
        last_step=result.last.step if result.last else None,
        top1=last.get("top1"),
        legal_rate=last.get("legal_rate"),
        game_completion=last.get("game_completion"),
        kl=last.get("kl"),
        cost=result.cost or None,
    )


def ablation_text(result: TrialResult) -> str:
    """Return the ablation as rows name it."""
    return setting_text(result.ablation) or BASELINE


def val_loss(evaluation: Evaluation | None) -> float | None:
    """Return the validation loss of an evaluation; None where there is none."""
    return evaluation.metrics.get("val_loss") if evaluation else None


MOST_CURVES = 200
"""Fronts, next points and forecasts are of at most so many trials: each curve is read whole."""
_NOT_COMPARABLE = (
    "An ablation of the games or the sequence is validated on games of its own kind: compare "
    "val_loss between learning rates of one ablation, not across such ablations."
)


class ResultsAnswer(Reading):
    """Rows by ablation, lowest best_val_loss first; `best` marks the first of each ablation.

    without: trials that do not run and have no evaluation, by state.
    """

    per_trial: ClassVar = ("rows",)
    cuttable: ClassVar = ("rows",)

    rows: Table[ResultRow]
    without: dict[str, list[int]] | None = None
    best_trials: dict[str, int]
    fronts: Table[FrontRow] | None = None
    next_points: list[NextRow] | None = None
    forecasts: list[ForecastRow] | None = None
    note: str | None = None


def lab_results(
    lab: Lab,
    trial_ids: Annotated[
        list[TrialId] | None,
        Field(description="Only these."),
    ] = None,
    tag: Tag = None,
    ablation: Annotated[str | None, Field(description="As rows name it.")] = None,
    lineage: Annotated[TrialId | None, Field(description="Only its family.")] = None,
    front: Annotated[
        Price | None,
        Field(description="Pareto front against this price."),
    ] = None,
    metric: Annotated[
        Literal["val_loss", "kl"], Field(description="Of front and next_points.")
    ] = "val_loss",
    since: Since = None,
    max_tokens: MaxTokens = 4000,
) -> ResultsAnswer:
    """Compare trials: best and last evaluation of each, by ablation and val_loss, and the cost.

    `best_trials`: what to lab_resume. next_points: what to try.

    top1, legal_rate, game_completion and kl (nats to the exact next-move distribution, where it
    is known) are of the last evaluation. ablation `baseline` is that of no ablation.
    next_points follow from all trials that differ only in those fields and in seeds.
    forecasts: what running trials will end with, where their learning rate stays until then.
    """
    asked = ("results", trial_ids, tag, ablation, lineage, front, metric)
    question = Question.of(lab, asked, since, max_tokens)
    results = sorted(_selected(lab, trial_ids, tag, ablation, lineage), key=_order)
    runs = _runs(lab, results, metric)
    rows: list[ResultRow] = []
    best: dict[str, int] = {}
    for name, members in groupby(filter(_has_shown, results), key=_group):
        rows.extend(group := result_rows(list(members)))
        if group[0].best:
            best[name] = group[0].trial_id
    groups = {row.ablation for row in rows}
    notes = [_NOT_COMPARABLE] if len(groups) > 1 else []
    notes += dict.fromkeys(remarks.strangers(results))
    notes += remarks.settings_without_effect(lab, [(r.id, r.config) for r in results])
    answer = ResultsAnswer(
        rows=rows,
        without=_without(results) or None,
        best_trials=best,
        fronts=(front and front_rows(runs, front)) or None,
        next_points=next_rows(runs, _others(lab, runs, metric)) or None,
        forecasts=forecast_rows(lab, runs, metric_of_merit(metric)) or None,
        note="; ".join(notes) or None,
        left_out=_too_many(results),
    )
    return question.answered(answer)


def _selected(
    lab: Lab,
    trial_ids: list[int] | None,
    tag: str | None,
    ablation: str | None,
    lineage: int | None,
) -> list[TrialResult]:
    """Return the results that pass every filter."""
    results = queries.results(lab, trial_ids=trial_ids, tag=tag)
    if lineage is not None:
        family = related(lab, lineage)
        results = [result for result in results if result.id in family]
        if not results:
            raise InvalidRequestError(
                f"lineage {lineage} is of none of these trials; its own: "
                f"{', '.join(map(str, sorted(family)))}"
            )
    if ablation is None:
        return results
    names = sorted({ablation_text(result) for result in results})
    if ablation not in names:
        hint = did_you_mean(ablation[:100], names)
        raise InvalidRequestError(
            f"ablation {ablation[:100]!r} is of none of these trials{hint}; "
            f"theirs: {', '.join(names) or 'none'}"
        )
    return [result for result in results if ablation_text(result) == ablation]


def _runs(lab: Lab, results: list[TrialResult], metric: str) -> list[Run]:
    """Return the curves of the results; of too many none."""
    models = {(result.id, result.variant) for result in results}
    ids = list(dict.fromkeys(result.id for result in results))
    if not ids or _too_many(results):
        return []
    runs = runs_of(lab, queries.selected(lab, ids), metric_of_merit(metric))
    return [run for run in runs if (run.id, run.variant) in models]


def _others(lab: Lab, runs: list[Run], metric: str) -> list[Run]:
    """Return the newest trials beside those shown that a next point has to reckon with."""
    if not runs:
        return []
    near = comparable(lab, runs)
    newest = near[max(0, len(near) + len({run.id for run in runs}) - MOST_CURVES) :]
    return runs_of(lab, newest, metric_of_merit(metric))


def _too_many(results: list[TrialResult]) -> str | None:
    """Say that there are too many trials for what takes whole curves, and how to get it."""
    count = len({result.id for result in results})
    if count <= MOST_CURVES:
        return None
    return (
        f"fronts, next_points and forecasts of {count} trials; name at most {MOST_CURVES} by "
        "tag, ablation, lineage or trial_ids"
    )


def _has_shown(result: TrialResult) -> bool:
    return result.best is not None or result.state in HOLDING


def _without(results: list[TrialResult]) -> dict[str, list[int]]:
    """Return the trials that have nothing to show, by state."""
    by_state: dict[str, list[int]] = {}
    for result in sorted(results, key=lambda result: result.id):
        ids = by_state.setdefault(result.state, [])
        if not _has_shown(result) and result.id not in ids:
            ids.append(result.id)
    return {state: ids for state, ids in by_state.items() if ids}


def _order(result: TrialResult) -> tuple[str, float, int]:
    loss = val_loss(result.best)
    return _group(result), math.inf if loss is None else loss, result.id


def _group(result: TrialResult) -> str:
    """Return the ablation, after the name of the variant where there is one."""
    return f"{result.variant} {ablation_text(result)}".lstrip()


TOOL = LabTool(lab_results, title="Results table", read_only=True, idempotent=True)
