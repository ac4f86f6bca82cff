"""How far a run got along its learning-rate schedule, for `schedule_health.json`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pawn_core.durable import replace_file
from pawn_core.training.outcome import Reason
from pawn_core.training.run import Run

FILE = "schedule_health.json"


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
    def of(cls, run: Run, reason: Reason) -> "ScheduleHealth":
        """Return the state of a run that has stopped."""
        planned = run.config.total_steps
        return cls(
            planned_steps=planned,
            actual_steps=run.step,
            lr_schedule=run.config.lr_schedule,
            planned_final_lr=run.lr_of(planned),
            final_lr=run.lr_of(run.step) if run.step else None,
            reason=reason,
        )

    def write(self, run_dir: Path) -> None:
        """Write `schedule_health.json` in one step."""
        replace_file(run_dir / FILE, json.dumps(asdict(self), indent=1).encode() + b"\n")
