"""lab_results: what the trials have shown, sorted for a choice."""

import math
from itertools import groupby
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from pawn_core.config.errors import did_you_mean
from pawn_lab.analysis import pareto
from pawn_lab.analysis.groups import Run, runs_of
from pawn_lab.analysis.pareto import Price
from pawn_lab.analysis.suggestions import suggestions
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.records import Evaluation, TrialResult
from pawn_lab.reporting.curves import related
from pawn_lab.reporting.metrics import metric_of_merit
from pawn_lab.tools.forecasts import ForecastRow, forecast_rows
from pawn_lab.tools.reading import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_views import setting_text
from pawn_lab.tools.values import Answer, Number, Table, Tag, TrialId, parsed

BASELINE = "baseline"
MOST_CURVES = 200
"""Fronts and next points are of at most so many trials."""
_NOT_COMPARABLE = (
    "An ablation of the games or the sequence is validated on games of its own kind: compare "
    "val_loss between learning rates of one ablation, not across such ablations."
)


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
    """The next learning rate for the setting of these trials; without lr no further one."""

    trial_ids: list[int]
    lr: Number = None
    why: str


class ResultsAnswer(Reading):
    """Rows by ablation, lowest best_val_loss first; `best` marks the first of each ablation."""

    per_trial: ClassVar = ("rows",)
    cuttable: ClassVar = ("rows",)

    rows: Table[ResultRow]
    best_trials: dict[str, int]
    fronts: Table[FrontRow] | None = None
    next_points: list[NextRow] | None = None
    forecasts: list[ForecastRow] | None = None
    note: str | None = None


def lab_results(
    lab: Lab,
    trial_ids: Annotated[
        list[TrialId] | None,
        BeforeValidator(parsed),
        Field(description="Only these trials."),
    ] = None,
    tag: Tag = None,
    ablation: Annotated[
        str | None, Field(description="Only this ablation, as rows name it; baseline: none.")
    ] = None,
    lineage: Annotated[
        TrialId | None, Field(description="Only this trial, what it continues and its descendants.")
    ] = None,
    front: Annotated[
        Price | None,
        Field(description="Pareto front of metric against cost, device-hours or parameters."),
    ] = None,
    metric: Annotated[
        Literal["val_loss", "kl"], Field(description="Of front, next_points and forecasts.")
    ] = "val_loss",
    since: Since = None,
    max_tokens: MaxTokens = 4000,
) -> ResultsAnswer:
    """Compare trials: the best and the last evaluation of each with their steps, and the cost.

    Sorted by ablation and best validation loss; `best_trials` names the best trial of each
    ablation, which is what to lab_resume. top1, legal_rate, game_completion and kl (nats to the
    exact next-move distribution, where it is known) are of the last evaluation. next_points: the
    next learning rate by setting, from trials that differ only in it and in seeds. forecasts: what
    running trials will end with, by a power law within one phase of the learning rate.
    """
    asked = ("results", trial_ids, tag, ablation, lineage, front, metric)
    question = Question.of(lab, asked, since, max_tokens)
    results = sorted(_selected(lab, trial_ids, tag, ablation, lineage), key=_order)
    runs = _runs(lab, results, metric)
    rows: list[ResultRow] = []
    best: dict[str, int] = {}
    for name, members in groupby(results, key=_group):
        rows.extend(group := _rows(list(members)))
        if group[0].best:
            best[name] = group[0].trial_id
    groups = {row.ablation for row in rows}
    note = _NOT_COMPARABLE if len(groups) > 1 else None
    answer = ResultsAnswer(
        rows=rows,
        best_trials=best,
        fronts=_fronts(runs, front) if front else None,
        next_points=_next_points(runs) or None,
        forecasts=forecast_rows(runs, runs) or None,
        note=note,
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
    results = lab.results(trial_ids=trial_ids, tag=tag)
    if lineage is not None:
        family = related(lab, lineage)
        results = [result for result in results if result.id in family]
    if ablation is None:
        return results
    known = sorted({_ablation(result) for result in results})
    if ablation not in known:
        hint = did_you_mean(ablation[:100], known)
        raise InvalidRequestError(
            f"ablation {ablation[:100]!r} is of none of these trials{hint}; "
            f"theirs: {', '.join(known) or 'none'}"
        )
    return [result for result in results if _ablation(result) == ablation]


def _runs(lab: Lab, results: list[TrialResult], metric: str) -> list[Run]:
    """Return the curves of the results; of too many none, for each is read whole."""
    wanted = {(result.id, result.variant) for result in results}
    ids = list(dict.fromkeys(result.id for result in results))
    if not 0 < len(ids) <= MOST_CURVES:
        return []
    runs = runs_of(lab, lab.selected(ids), metric_of_merit(metric))
    return [run for run in runs if (run.id, run.variant) in wanted]


def _fronts(runs: list[Run], price: Price) -> list[FrontRow]:
    sets = pareto.evaluated_alike(pareto.placed(runs, price))
    return [
        FrontRow(
            front=number,
            trial_id=each.run.id,
            variant=each.run.variant or None,
            price=each.price,
            value=each.value,
        )
        for number, members in enumerate(sets, 1)
        for each in pareto.front(members)
    ]


def _next_points(runs: list[Run]) -> list[NextRow]:
    return [
        NextRow(trial_ids=sorted({run.id for run in each.runs}), lr=each.lr, why=each.why)
        for each in suggestions(runs)
    ]


def _rows(group: list[TrialResult]) -> list[ResultRow]:
    rows = [_row(result) for result in group]
    if rows[0].best_val_loss is not None:
        rows[0].best = True
    return rows


def _row(result: TrialResult) -> ResultRow:
    last = result.last.metrics if result.last else {}
    return ResultRow(
        trial_id=result.id,
        variant=result.variant or None,
        ablation=_ablation(result),
        lr=result.config.get("lr"),
        state=result.state,
        parent=result.parent,
        best_val_loss=_val_loss(result.best),
        best_step=result.best.step if result.best else None,
        last_val_loss=last.get("val_loss"),
        last_step=result.last.step if result.last else None,
        top1=last.get("top1"),
        legal_rate=last.get("legal_rate"),
        game_completion=last.get("game_completion"),
        kl=last.get("kl"),
        cost=result.cost,
    )


def _order(result: TrialResult) -> tuple[str, float, int]:
    loss = _val_loss(result.best)
    return _group(result), math.inf if loss is None else loss, result.id


def _group(result: TrialResult) -> str:
    """Return the ablation, after the name of the variant where there is one."""
    return f"{result.variant} {_ablation(result)}".lstrip()


def _ablation(result: TrialResult) -> str:
    return setting_text(result.ablation) or BASELINE


def _val_loss(evaluation: Evaluation | None) -> float | None:
    return evaluation.metrics.get("val_loss") if evaluation else None


TOOL = LabTool(lab_results, title="Results table", read_only=True, idempotent=True)
