"""lab_tag: give trials further tags, or take tags away."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab, storing
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_answer import TrialsAnswer, trials_answer
from pawn_lab.tools.values import TrialId


def lab_tag(
    lab: Lab,
    trial_ids: Annotated[list[TrialId], Field(description="Trial numbers.")],
    add: Annotated[list[str] | None, Field(description="Tags to add.")] = None,
    remove: Annotated[list[str] | None, Field(description="Tags to take away.")] = None,
) -> TrialsAnswer:
    """Give trials further tags, or take tags away.

    An event says what they were before, and who asked.
    """
    return trials_answer(lab, storing.tag(lab, trial_ids, add or (), remove or ()))


TOOL = LabTool(lab_tag, title="Tag trials", idempotent=True, for_people=True)
