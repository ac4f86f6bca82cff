"""What a tracker has to offer, and what it is told about the run."""

import hashlib
import json
import platform
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pawn_core.durable import make_directory, replace_file
from pawn_core.run_paths import RunPaths
from pawn_core.untrusted import parse_object

PROJECT = "pawn-lab"


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


class Sink(ABC):
    """An open run at a tracker; every method may raise.

    A run that goes on from a checkpoint in its folder repeats steps; a tracker gets none twice.
    """

    name: ClassVar[str]

    def __init__(self, info: RunInfo) -> None:
        self._delivered = _Delivered(RunPaths(info.run_dir).tracker(self.name))

    def write(self, step: int, values: dict[str, float]) -> None:
        """Log those numbers, by names such as `train/loss`, that the tracker has not had."""
        if fresh := self._delivered.take(step, values):
            self.log(step, fresh)

    @abstractmethod
    def log(self, step: int, values: dict[str, float]) -> None:
        """Log numbers by name."""

    @abstractmethod
    def close(self) -> None:
        """Say that the run has ended, and send what is left."""


class _Delivered:
    """The last step that a tracker has had of each number, kept in the run's folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = _read_steps(path)

    def take(self, step: int, values: dict[str, float]) -> dict[str, float]:
        """Return the numbers that are new at a step, and note them: from now on they are not."""
        fresh = {name: v for name, v in values.items() if step > self._last.get(name, -1)}
        if fresh:
            self._last |= dict.fromkeys(fresh, step)
            make_directory(self._path.parent)
            replace_file(self._path, json.dumps(self._last).encode())
        return fresh


def _read_steps(path: Path) -> dict[str, int]:
    """Return the steps by name; those of an unreadable file are taken for unknown."""
    try:
        document = parse_object(path.read_bytes(), path)
    except (OSError, ValueError):
        return {}
    return {name: step for name, step in document.items() if isinstance(step, int)}


def numbers(kind: str, fields: dict[str, Any]) -> dict[str, float]:
    """Return a record's numbers as `train/loss`, or `small/train/loss` where there are variants."""
    prefix = f"{fields['variant']}/{kind}" if "variant" in fields else kind
    return {
        f"{prefix}/{name}": value
        for name, value in fields.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
