"""lab_tag: give a trial other tags."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab, tagging
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_answer import TrialAnswer, trial_answer
from pawn_lab.tools.values import TrialId


def lab_tag(
    lab: Lab,
    trial_id: TrialId,
    tags: Annotated[list[str], Field(description="All that it is to have.")],
) -> TrialAnswer:
    """Give a trial these tags in place of its own, for whoever filters by them.

    An event says what they were before. An agent tags by lab_launch and lab_resume.
    """
    return trial_answer(lab, tagging.tag(lab, trial_id, tags))


TOOL = LabTool(lab_tag, title="Tag a trial", idempotent=True, for_people=True)
