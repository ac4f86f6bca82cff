"""lab_approve: let trials start that wait for a person."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab, approving
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_answer import TrialsAnswer, trials_answer
from pawn_lab.tools.values import TrialId


def lab_approve(
    lab: Lab,
    trial_ids: Annotated[list[TrialId], Field(description="On hold.")],
) -> TrialsAnswer:
    """Let trials start that were asked for with `hold`; for people, not for agents.

    All of them or none. lab_kill refuses one.

    Each starts as soon as a device is free, and its event says who approved it. Whoever asked for
    it learns of it by lab_events, or by lab_wait(until="approved").
    """
    return trials_answer(lab, approving.approve(lab, trial_ids))


TOOL = LabTool(lab_approve, title="Approve trials", for_people=True)
