"""Rows of lab_results: trials, Pareto fronts, and what to try next."""

from pawn_lab.analysis import pareto
from pawn_lab.analysis.groups import Run
from pawn_lab.analysis.pareto import Price
from pawn_lab.analysis.suggestions import suggestions
from pawn_lab.records import Evaluation, TrialResult
from pawn_lab.tools.trial_views import setting_text
from pawn_lab.tools.values import Answer, Number

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
            trial_id=each.run.id,
            variant=each.run.variant or None,
            price=each.price,
            value=each.value,
        )
        for number, members in enumerate(sets, 1)
        for each in pareto.front(members)
    ]


def next_rows(runs: list[Run], others: list[Run]) -> list[NextRow]:
    """Show what to try next beside runs, and from which trials that follows; others were tried."""
    return [
        NextRow(
            trial_ids=sorted({run.id for run in each.runs}),
            lr=each.point.get("lr"),
            set={name: value for name, value in each.point.items() if name != "lr"} or None,
            why=each.why,
        )
        for each in suggestions(runs, others)
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
