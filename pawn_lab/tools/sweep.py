"""lab_sweep: many trials from one plan, in one call."""

from typing import Annotated, Any

from pydantic import Field

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.sweeps.plan import checked_plan, read_plan
from pawn_lab.tools.launch import IdempotencyKey
from pawn_lab.tools.reading import MaxTokens, Question, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.sweep_views import SweepAnswer, plan_warnings, planned_answer, sweep_answer
from pawn_lab.tools.values import JsonObject


def lab_sweep(
    lab: Lab,
    plan: Annotated[str | None, Field(description="As plans/NAME.json.")] = None,
    settings: Annotated[
        JsonObject | None,
        Field(description="Plan, or changes to it."),
    ] = None,
    sweep_id: Annotated[int | None, Field(description="Look at this sweep.")] = None,
    stop: Annotated[bool, Field(description="With sweep_id: no more points.")] = False,
    dry_run: Annotated[bool, Field(description="Only points, time, cost.")] = False,
    idempotency_key: IdempotencyKey = None,
    since: Since = None,
    max_tokens: MaxTokens = 4000,
) -> SweepAnswer:
    """Launch many trials from one plan, and let rules stop the worse ones early.

    settings: {config, space: {lr: [1e-4, 3e-4] or {low, high, log}}, arms: [{mate_boost: 1}],
    method: grid|random|tpe, points, seeds, early_stopping: {rule: asha|median|forecast, first_rung,
    factor}, tags, hypothesis}. Each arm is crossed with the space.

    Also priority, parallel (tpe) and sampler_seed; points are of random and tpe. Points are ranked
    within an arm. asha and median pause at rungs (first_rung x factor^k steps), resume the
    better and leave the others paused, with the ranking in an early_stop event; forecast stops
    a trial that is expected to end worse than another point has got. It goes on with no server
    running. A repeated call returns the first sweep; lab_results(tag=...) compares its trials.
    """
    asked = ("sweep", plan, settings, sweep_id)
    question = Question.of(lab, asked, since, max_tokens)
    if sweep_id is not None:
        _refuse_both(plan, settings, dry_run)
        seen = lab.stop_sweep(sweep_id) if stop else lab.sweep(sweep_id)
        return question.answered(sweep_answer(seen))
    if stop:
        raise InvalidRequestError("stop True needs sweep_id: the sweep to stop")
    whole = _whole(lab, plan, settings)
    if dry_run:
        planned = lab.estimate_sweep(whole)
        return question.answered(planned_answer(lab, checked_plan(whole), planned))
    sweep, known = lab.start_sweep(whole, idempotency_key=idempotency_key)
    answer = sweep_answer(sweep, known)
    answer.warnings = sweep.warnings + plan_warnings(lab, checked_plan(whole)) or None
    return question.answered(answer)


def _whole(lab: Lab, plan: str | None, settings: dict[str, Any] | None) -> dict[str, Any]:
    """Return the committed plan with the settings over it; those of its config one by one."""
    if plan is None and settings is None:
        raise InvalidRequestError("lab_sweep needs plan, settings, or sweep_id")
    whole = read_plan(lab.paths, plan) if plan is not None else {}
    changes = dict(settings or {})
    if isinstance(changes.get("config"), dict) and isinstance(whole.get("config"), dict):
        changes["config"] = whole["config"] | changes["config"]
    return whole | changes


def _refuse_both(plan: str | None, settings: dict[str, Any] | None, dry_run: bool) -> None:
    if plan is not None or settings is not None or dry_run:
        raise InvalidRequestError("sweep_id looks at a sweep: leave out plan, settings and dry_run")


TOOL = LabTool(lab_sweep, title="Sweep over settings", creates=True)
