"""lab_kill: stop a trial."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab, killing
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_answer import TrialAnswer, trial_answer
from pawn_lab.tools.values import TrialId


def lab_kill(
    lab: Lab,
    trial_id: TrialId,
    reason: Annotated[str | None, Field(description="Why.")] = None,
) -> TrialAnswer:
    """Stop one trial: a running one saves a checkpoint first.

    It keeps its results and can be resumed.

    A queued one is taken out. Use it on a trial that diverged (loss not finite or climbing) or that
    no longer answers a question. The state turns `killed` when the trainer has gone, which
    lab_events reports.
    """
    return trial_answer(lab, killing.kill(lab, trial_id, reason=reason))


TOOL = LabTool(lab_kill, title="Kill a trial", destructive=True, idempotent=True)
