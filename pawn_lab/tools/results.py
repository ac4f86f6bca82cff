"""lab_results: what the trials have shown, sorted for a choice."""

import math
from itertools import groupby
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from pawn_lab.lab import Lab
from pawn_lab.records import Evaluation, TrialResult
from pawn_lab.tools.reading import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_views import setting_text
from pawn_lab.tools.values import Answer, Number, Table, Tag, TrialId, parsed

BASELINE = "baseline"
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


class ResultsAnswer(Reading):
    """Rows by ablation, lowest best_val_loss first; `best` marks the first of each ablation."""

    per_trial: ClassVar = ("rows",)
    cuttable: ClassVar = ("rows",)

    rows: Table[ResultRow]
    best_trials: dict[str, int]
    note: str | None = None


def lab_results(
    lab: Lab,
    trial_ids: Annotated[
        list[TrialId] | None,
        BeforeValidator(parsed),
        Field(description="Only these trials."),
    ] = None,
    tag: Tag = None,
    since: Since = None,
    max_tokens: MaxTokens = 4000,
) -> ResultsAnswer:
    """Compare trials: the best and the last evaluation of each with their steps, and the cost.

    Sorted by ablation and best validation loss; `best_trials` names the best trial of each
    ablation, which is what to lab_resume. top1, legal_rate, game_completion and kl (nats to the
    exact next-move distribution, where it is known) are of the last evaluation.
    """
    question = Question.of(lab, ("results", trial_ids, tag), since, max_tokens)
    results = sorted(lab.results(trial_ids=trial_ids, tag=tag), key=_order)
    rows: list[ResultRow] = []
    best: dict[str, int] = {}
    for name, members in groupby(results, key=_group):
        rows.extend(group := _rows(list(members)))
        if group[0].best:
            best[name] = group[0].trial_id
    groups = {row.ablation for row in rows}
    note = _NOT_COMPARABLE if len(groups) > 1 else None
    return question.answered(ResultsAnswer(rows=rows, best_trials=best, note=note))


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
