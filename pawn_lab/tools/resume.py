"""lab_resume: continue an ended trial as a new one."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.tools.launch import IdempotencyKey, Priority
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_views import TrialAnswer, trial_answer
from pawn_lab.tools.values import JsonObject, TrialId


def lab_resume(
    lab: Lab,
    trial_id: TrialId,
    overrides: Annotated[
        JsonObject | None, Field(description="Config fields to change, as far as that is safe.")
    ] = None,
    pause_after_steps: Annotated[
        int | None, Field(description="Pause again at this step; default: run to the end.")
    ] = None,
    priority: Priority = 0,
    idempotency_key: IdempotencyKey = None,
) -> TrialAnswer:
    """Continue a trial that has ended, from its last verified checkpoint.

    The continuation is a new trial with its own number, `parent` and `from_step`; optimizer, random
    state and data position are restored exactly. The parent's `pause_after_steps` is cleared, so
    that it runs to `total_steps` unless you say otherwise.
    """
    trial = lab.resume(
        trial_id,
        overrides=overrides,
        pause_after_steps=pause_after_steps,
        priority=priority,
        idempotency_key=idempotency_key,
    )
    return trial_answer(lab, trial)


TOOL = LabTool(lab_resume, title="Resume a trial")
