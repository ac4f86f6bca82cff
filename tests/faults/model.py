"""What the lab must be in after a history of calls: a scheduler of a few lines, without processes.

Between two steps of a history every trainer waits at its gate, so the model is exact.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab_testing import CONFIG

from pawn_lab.states import ENDED, State

ENDS = {
    "complete": State.COMPLETED,
    "pause": State.PAUSED,
    "crash": State.FAILED,
    "silent": State.FAILED,
    "non-finite": State.FAILED,
}
"""How a trial ends whose stand-in behaves so; `study` decides by its config."""


@dataclass
class ModelTrial:
    """What was asked of a trial, and where it must be."""

    priority: int = 0
    pause_after: int | None = None
    parent: int | None = None
    from_step: int | None = None
    state: State = State.QUEUED
    saved: int | None = None

    def end(self, behaviour: str) -> None:
        """Take on the state in which that behaviour ends."""
        if behaviour == "study":
            self.saved = self.pause_after or CONFIG["total_steps"]
            self.state = State.PAUSED if self.pause_after else State.COMPLETED
        else:
            self.state = ENDS[behaviour]


@dataclass
class Model:
    """Trials over a few devices, highest priority first."""

    slots: int
    trials: dict[int, ModelTrial] = field(default_factory=dict)
    keys: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    rate: float = 0.0
    budget: float | None = None

    @property
    def spent(self) -> bool:
        """Whether the budget allows nothing to start; budgets here are none, huge or zero."""
        return self.budget == 0

    def add(self, trial_ids: Iterable[int], key: str | None = None, **asked: object) -> None:
        """Queue trials that one call has made."""
        made = list(trial_ids)
        assert made == list(range(len(self.trials) + 1, len(self.trials) + 1 + len(made)))
        self.trials |= {trial_id: ModelTrial(**asked) for trial_id in made}
        if key is not None:
            self.keys[key] = made

    def schedule(self) -> None:
        """Stop what the budget no longer pays for, or start what fits the free devices."""
        if self.spent:
            for trial in self._in(State.RUNNING) if self.rate else []:
                trial.state = State.KILLED
            return
        waiting = sorted(self._in(State.QUEUED), key=lambda trial: -trial.priority)
        for trial in waiting[: self.slots - len(self._in(State.RUNNING))]:
            trial.state = State.RUNNING

    def states(self) -> dict[int, State]:
        """Return the state of each trial."""
        return {trial_id: trial.state for trial_id, trial in self.trials.items()}

    def has_ended(self, trial_id: int) -> bool:
        """Say whether a trial is over."""
        return self.trials[trial_id].state in ENDED

    def running(self) -> list[int]:
        """Return the trials that hold a device."""
        return [i for i, trial in self.trials.items() if trial.state is State.RUNNING]

    def _in(self, state: State) -> list[ModelTrial]:
        return [trial for trial in self.trials.values() if trial.state is state]
