"""lab_resume: continue an ended trial as a new one."""

from typing import Annotated, Literal

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.tools.launch import IdempotencyKey, Priority
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_views import TrialAnswer, trial_answer
from pawn_lab.tools.values import JsonObject, TrialId


def lab_resume(
    lab: Lab,
    trial_id: TrialId,
    checkpoint: Annotated[
        Literal["latest", "best"] | Annotated[int, Field(ge=0)],
        Field(description="latest, best (lowest validation loss), or a saved step: a fork."),
    ] = "latest",
    overrides: Annotated[
        JsonObject | None, Field(description="Config fields to change, as far as that is safe.")
    ] = None,
    pause_after_steps: Annotated[
        int | None, Field(description="Pause again at this step; default: run to the end.")
    ] = None,
    priority: Priority = 0,
    tags: Annotated[list[str] | None, Field(description="Default: the parent's.")] = None,
    hypothesis: Annotated[
        str | None, Field(description="What you expect, and why; default: the parent's.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> TrialAnswer:
    """Continue a trial from a verified checkpoint: its last, its best, or that of a step.

    The continuation is a new trial with its own number, `parent` and `from_step`; optimizer, random
    state and data position are restored exactly. The parent's `pause_after_steps` is cleared, so
    that it runs to `total_steps` unless you say otherwise. `overrides` make it a fork: fields that
    the checkpoint decides, such as d_model, are refused. A running trial can be forked from a step.
    """
    trial = lab.resume(
        trial_id,
        checkpoint=checkpoint,
        overrides=overrides,
        pause_after_steps=pause_after_steps,
        tags=tags,
        hypothesis=hypothesis,
        priority=priority,
        idempotency_key=idempotency_key,
    )
    return trial_answer(lab, trial)


TOOL = LabTool(lab_resume, title="Resume a trial")
