"""lab_resume: continue an ended trial as a new one."""

from typing import Annotated, Any, Literal

from pydantic import Field

from pawn_lab.lab import Lab, resuming
from pawn_lab.records import Trial
from pawn_lab.tools import remarks
from pawn_lab.tools.check_in import check_in
from pawn_lab.tools.launch import Hold, IdempotencyKey, Priority, plan_row
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, JsonObject, TrialId


class ResumeAnswer(Answer):
    """A continuation; repeated: it existed before. plan: of a dry run, as lab_launch's."""

    trial_id: int | None = None
    state: str | None = None
    tags: list[str] | None = None
    parent: int
    from_step: int
    device: str | None = None
    why_waiting: str | None = None
    repeated: list[int] | None = None
    warnings: list[str] | None = None
    next_check_s: int | None = None
    plan: dict[str, Any] | None = None


def lab_resume(
    lab: Lab,
    trial_id: TrialId,
    checkpoint: Annotated[
        Literal["latest", "best"] | Annotated[int, Field(ge=0)],
        Field(description="latest, best, or a saved step."),
    ] = "latest",
    overrides: Annotated[JsonObject | None, Field(description="Fields to change.")] = None,
    pause_after_steps: Annotated[int | None, Field(description="Pause again at this step.")] = None,
    priority: Priority = 0,
    tags: Annotated[list[str] | None, Field(description="Default: the parent's.")] = None,
    hypothesis: Annotated[str | None, Field(description="Default: the parent's.")] = None,
    idempotency_key: IdempotencyKey = None,
    hold: Hold = False,
    dry_run: Annotated[bool, Field(description="Start nothing.")] = False,
) -> ResumeAnswer:
    """Continue a trial from a verified checkpoint, as a new trial.

    best, a step or `overrides` make it a fork; what the checkpoint decides is refused.

    warnings: what it inherits and pays for. The continuation has its own number, `parent` and
    `from_step`; optimizer, random state and data position are restored exactly. The parent's
    `pause_after_steps` is cleared, so that it runs to `total_steps` unless you say otherwise. best:
    of the best evaluation by the run type's metric of merit, the lowest validation loss where it
    trains. The checkpoint decides fields such as d_model. A running trial can be forked from a
    step. What is inherited, such as `no_compile`, overrides change. A call may be repeated: the
    same continuation is returned; an idempotency_key of your own forces one. dry_run tells what it
    would take; hold: it waits until a person approves it.
    """
    resumed = resuming.continue_from(
        lab,
        trial_id,
        checkpoint=checkpoint,
        overrides=overrides,
        pause_after_steps=pause_after_steps,
        tags=tags,
        hypothesis=hypothesis,
        priority=priority,
        idempotency_key=idempotency_key,
        once=idempotency_key is None,
        hold=hold,
        dry_run=dry_run,
    )
    warnings = [
        *remarks.inherited(lab, trial_id, resumed),
        *resumed.warnings,
        *remarks.no_effect(lab, resumed.config),
    ]
    answer = ResumeAnswer(
        parent=trial_id,
        from_step=resumed.from_step,
        repeated=resumed.repeated or None,
        warnings=warnings or None,
    )
    if resumed.trial is not None:
        _show(lab, answer, resumed.trial)
    if resumed.estimate is not None:
        answer.plan = plan_row(resumed.config, resumed.estimate).wire()
    return answer


def _show(lab: Lab, answer: ResumeAnswer, trial: Trial) -> None:
    answer.trial_id, answer.state, answer.device = trial.id, trial.state, trial.device
    answer.tags, answer.why_waiting = trial.tags or None, trial.why_waiting
    answer.next_check_s = check_in(lab).next_check_s


TOOL = LabTool(lab_resume, title="Resume a trial")
