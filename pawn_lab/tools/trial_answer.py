"""A trial as the answer to a call that changed it."""

from pawn_lab.lab import Lab
from pawn_lab.records import Trial
from pawn_lab.tools.check_in import check_in
from pawn_lab.tools.values import Answer, Table


class TrialAnswer(Answer):
    """A trial after a call that changed it."""

    trial_id: int
    state: str
    tags: list[str] | None = None
    parent: int | None = None
    from_step: int | None = None
    device: str | None = None
    why_waiting: str | None = None
    next_check_s: int | None = None


class TrialsAnswer(Answer):
    """Trials after a call that changed them."""

    trials: Table[TrialAnswer]


def trial_answer(lab: Lab, trial: Trial) -> TrialAnswer:
    """Show a trial that was just launched, resumed or killed."""
    return TrialAnswer(
        trial_id=trial.id,
        state=trial.state,
        tags=trial.tags or None,
        parent=trial.parent,
        from_step=trial.from_step,
        device=trial.device,
        why_waiting=trial.why_waiting,
        next_check_s=check_in(lab).next_check_s,
    )


def trials_answer(lab: Lab, trials: list[Trial]) -> TrialsAnswer:
    """Show trials that one call changed."""
    return TrialsAnswer(trials=[trial_answer(lab, trial) for trial in trials])
