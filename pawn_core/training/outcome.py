"""How a run ended, for `outcome.json` and the exit code."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pawn_core.durable import replace_file
from pawn_core.run_paths import RunPaths

Reason = Literal[
    "completed", "paused", "patience", "signal", "diverged", "non_finite", "error", "preflight"
]

EXIT_CODES: dict[Reason, int] = {
    "completed": 0,
    "paused": 0,
    "patience": 0,
    "signal": 143,
    "diverged": 3,
    "non_finite": 3,
    "error": 1,
    "preflight": 4,
}
EXIT_CONFIG_ERROR = 2


class Stop(NamedTuple):
    """Why the loop ends."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Outcome:
    """The end of a run: why, at which step, and what it left."""

    reason: Reason
    step: int
    message: str
    checkpoint: str | None = None
    """Directory name of the newest checkpoint of this run."""
    metrics: dict[str, Any] = field(default_factory=dict)
    """The last evaluation."""

    @property
    def exit_code(self) -> int:
        """Exit status of the process."""
        return EXIT_CODES[self.reason]

    def write(self, run_dir: Path) -> None:
        """Write `outcome.json` in one step."""
        document = json.dumps(asdict(self), indent=1)
        replace_file(RunPaths(run_dir).outcome, document.encode() + b"\n")
