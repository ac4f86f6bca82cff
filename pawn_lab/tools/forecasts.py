"""What running trials are expected to end with, as the tools show it."""

from collections.abc import Iterable

from pawn_lab.analysis.final_loss import backtest, outlook, share_done
from pawn_lab.analysis.groups import Run
from pawn_lab.tools.values import Answer, Number
from pawn_lab.trials.states import HOLDING


class ForecastRow(Answer):
    """The loss expected at at_step, the next stop; low, high: 95 % by its own residuals.

    held: how many ended trials ended within a forecast made as early; trust it more.
    """

    trial_id: int
    variant: str | None = None
    at_step: int
    value: Number = None
    low: Number = None
    high: Number = None
    held: str | None = None
    why: str | None = None


def forecast_rows(runs: Iterable[Run], ended: Iterable[Run]) -> list[ForecastRow]:
    """Show the outlook of those that run, tested on those that have ended."""
    past = list(ended)
    return [_row(run, past) for run in runs if run.trial.state in HOLDING]


def _row(run: Run, ended: list[Run]) -> ForecastRow:
    told = outlook(run)
    row = ForecastRow(trial_id=run.id, variant=run.variant or None, at_step=told.step, why=told.why)
    if told.loss is None:
        return row
    held = backtest(ended, share_done(run))
    numbers = ForecastRow.model_validate(row.model_dump() | told.loss._asdict())
    numbers.held = f"{held.held} of {held.of}"
    return numbers
