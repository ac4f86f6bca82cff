"""What running trials are expected to end with, as the tools show it."""

from collections.abc import Iterable

from pawn_core.config.facts import Metric
from pawn_lab.analysis.final_loss import Outlook, backtest, outlook, share_done, tested_on
from pawn_lab.analysis.groups import Run
from pawn_lab.lab import Lab
from pawn_lab.states import HOLDING
from pawn_lab.tools.values import Answer, Number


class ForecastRow(Answer):
    """The loss expected at at_step, the next stop; low, high: 95 % by its own residuals.

    held: how many ended trials ended within a forecast made as early.
    """

    trial_id: int
    variant: str | None = None
    at_step: int
    value: Number = None
    low: Number = None
    high: Number = None
    held: str | None = None
    why: str | None = None


def forecast_rows(lab: Lab, runs: Iterable[Run], metric: Metric) -> list[ForecastRow]:
    """Show the outlook of those that run, tested on the trials of the lab that have ended.

    There is none of a metric that is better high, nor of a run type that does not fall to its end;
    where a run type says why, so does the row.
    """
    running = [
        (run, outlook(run))
        for run in runs
        if run.trial.state in HOLDING and _is_looked_for(run, metric)
    ]
    kinds = {run.trial.config["run_type"] for run, forecast in running if forecast.loss}
    ended = {kind: tested_on(lab, kind, metric) for kind in kinds}
    return [
        _row(run, forecast, ended.get(run.trial.config["run_type"], []))
        for run, forecast in running
    ]


def _is_looked_for(run: Run, metric: Metric) -> bool:
    if run.kind.can_be_forecast:
        return metric.better == "low"
    return run.kind.why_no_forecast is not None and metric.name == run.kind.merit.metric


def _row(run: Run, forecast: Outlook, ended: list[Run]) -> ForecastRow:
    row = ForecastRow(
        trial_id=run.id, variant=run.variant or None, at_step=forecast.step, why=forecast.why
    )
    if forecast.loss is None:
        return row
    tested = backtest(ended, share_done(run))
    if tested.doubt:
        return row.model_copy(update={"why": tested.doubt})
    held = {"held": f"{tested.held} of {tested.of}"}
    return ForecastRow.model_validate(row.model_dump() | forecast.loss._asdict() | held)
