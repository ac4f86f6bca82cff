"""What a tracker has to offer, and what it is told about the run."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

PROJECT = "pawn-lab"


class Sink(Protocol):
    """An open run at a tracker; every method may raise."""

    def write(self, step: int, values: dict[str, float]) -> None:
        """Log numbers by name, such as `train/loss`."""
        ...

    def close(self) -> None:
        """Say that the run has ended, and send what is left."""
        ...


@dataclass(frozen=True)
class RunInfo:
    """A run as trackers list it."""

    run_dir: Path
    """Absolute."""
    config: dict[str, Any]

    @property
    def name(self) -> str:
        """The last two parts of the run's path: a trial's number and `run`, in the lab."""
        return "-".join(self.run_dir.parts[-2:])

    @property
    def id(self) -> str:
        """The same for every start in one folder, so that a resumed run goes on where it was."""
        place = f"{platform.node()}:{self.run_dir}"
        return hashlib.sha256(place.encode()).hexdigest()[:16]


def numbers(kind: str, fields: dict[str, Any]) -> dict[str, float]:
    """Return a record's numbers as `train/loss`, or `small/train/loss` where there are variants."""
    prefix = f"{fields['variant']}/{kind}" if "variant" in fields else kind
    return {
        f"{prefix}/{name}": value
        for name, value in fields.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
