"""How far a run got along its learning-rate schedule, for `schedule_health.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pawn_core.config.run import SINGLE
from pawn_core.durable import replace_file
from pawn_core.run_paths import RunPaths
from pawn_core.training.learner import Learner
from pawn_core.training.outcome import Reason


@dataclass(frozen=True)
class ScheduleHealth:
    """The plan beside what was done; a run cut short ends at a higher rate than planned."""

    planned_steps: int
    actual_steps: int
    lr_schedule: str
    planned_final_lr: float
    """Learning rate of the last update of the whole schedule."""
    final_lr: float | None
    """Learning rate of the last update; null before the first."""
    reason: Reason

    @classmethod
    def of(cls, learner: Learner, reason: Reason) -> "ScheduleHealth":
        """Return the state of a learner that has stopped."""
        planned = learner.config.total_steps
        return cls(
            planned_steps=planned,
            actual_steps=learner.step,
            lr_schedule=learner.config.lr_schedule,
            planned_final_lr=learner.lr_of(planned),
            final_lr=learner.lr_of(learner.step) if learner.step else None,
            reason="patience" if learner.stopped else reason,
        )


def write(paths: RunPaths, learners: Sequence[Learner], reason: Reason) -> None:
    """Write `schedule_health.json` in one step; of learners with names, one entry each."""
    health = {learner.name: asdict(ScheduleHealth.of(learner, reason)) for learner in learners}
    document = health.get(SINGLE) or {"variants": health}
    replace_file(paths.schedule_health, json.dumps(document, indent=1).encode() + b"\n")
