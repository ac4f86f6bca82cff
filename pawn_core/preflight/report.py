"""What a preflight has found. Never imports torch: the lab reads reports too."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pawn_core.durable import replace_file
from pawn_core.untrusted import UntrustedFileError, parse_object, read_file

CheckName = Literal[
    "device", "memory", "loss", "time", "steps", "checkpoint", "hub", "shared memory", "disk"
]
_MOST_BYTES = 1 << 18

MENDS: Mapping[CheckName, str] = MappingProxyType(
    {
        "device": "`pawn-lab doctor`: another driver, or a torch that is built for this one",
        "shared memory": "start the container with --shm-size=1g",
        "hub": "`hf auth login` with a token that may write there",
        "memory": "raise accumulation_steps, lower batch_size, or set gradient_checkpointing",
        "loss": "lower lr, or set amp_dtype 'none'",
        "time": "no_compile: true where it compiles, or another device where it hangs",
        "steps": "read its log",
        "checkpoint": "another volume: this one does not keep what it is given",
        "disk": "raise checkpoint_interval, free space, or take a larger volume",
    }
)
"""What mends what fails."""


class Check(BaseModel):
    """One thing that was tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: CheckName
    ok: bool
    found: str
    """What was seen, or why it fails."""

    @property
    def mend(self) -> str:
        """What mends it, where it fails."""
        return MENDS[self.name]


class PreflightReport(BaseModel):
    """What the first steps of a run have shown; bytes and seconds, as measured where it ran."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: tuple[Check, ...]
    """In the order in which they were made; those behind a failed one were not."""
    unit: str
    """What steps are called."""
    steps: int = 0
    """Steps that were tried."""
    known: bool = False
    """Whether the steps are those of an earlier preflight of the same shape."""
    step_s: float | None = None
    """The fastest of the steps after the first; evaluations and checkpoints left out."""
    start_s: float | None = None
    """From nothing to the end of the first step: reading, building, compiling."""
    memory_bytes: int | None = None
    """The most that was held: on a GPU by torch, on a CPU by the process."""
    memory_limit_bytes: int | None = None
    checkpoint_bytes: int | None = None
    checkpoints: int | None = None
    """How many the run will keep."""
    free_bytes: int | None = None
    """On the volume that it keeps them on."""
    remaining: int
    """Steps of the run that is to come."""
    whole_s: float | None = None
    """Seconds that all of them take; evaluations and checkpoints left out."""
    cost: float | None = None
    """Of the whole, where the price of a device's hour was given."""
    took_s: float = 0.0

    @property
    def failed(self) -> Check | None:
        """The check that failed; None where the run can go on."""
        return next((check for check in self.checks if not check.ok), None)

    def priced(self, device_hour: float | None, devices: int) -> Self:
        """Return the report with the price of the whole at that of a device's hour, where known."""
        if self.whole_s is None or device_hour is None:
            return self
        return self.model_copy(update={"cost": self.whole_s / 3600.0 * device_hour * devices})

    def write(self, path: Path) -> None:
        """Write it in one step.

        Raises:
            OSError: the disk refused.
        """
        replace_file(path, self.model_dump_json(indent=1).encode() + b"\n")


def read_report(path: Path, root: Path | None = None) -> PreflightReport | None:
    """Return the report in a file; None where there is none that can be read.

    root: below it no link is followed.
    """
    try:
        data = read_file(path, root, _MOST_BYTES)
        return PreflightReport.model_validate_json(json.dumps(parse_object(data, path)))
    except (OSError, UntrustedFileError, ValueError, ValidationError):
        return None
