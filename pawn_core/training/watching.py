"""Signs of life of a long run: a heartbeat, and a word where memory runs short."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from pawn_core.machine import cpu_memory

Level = Literal["memory_warning", "memory_critical"]
WARN_SHARE, CRITICAL_SHARE = 0.85, 0.95
"""Of the memory that a process may use."""
COOLDOWN_S = 300.0
"""Between two events of one level."""
LOOK_EVERY_S = 10.0
_OWN_PAGES = Path("/proc/self/statm")


class MemoryUse(NamedTuple):
    """What this process holds of something, in bytes."""

    what: Literal["memory", "device_memory"]
    used: int
    limit: int

    @property
    def share(self) -> float:
        """Part of what it may hold."""
        return self.used / self.limit

    @property
    def level(self) -> Level | None:
        """The event that is due; None where there is room."""
        if self.share >= CRITICAL_SHARE:
            return "memory_critical"
        return "memory_warning" if self.share >= WARN_SHARE else None


def memory_of(device: torch.device) -> list[MemoryUse]:
    """Return what is held of the machine's memory and of the GPU's, as far as it is known.

    The limit is that of the control group where it has one. A GPU's memory counts as held while
    torch keeps it for tensors to come.
    """
    found = []
    with suppress(OSError, IndexError, ValueError):
        pages = int(_OWN_PAGES.read_text("utf-8").split()[1])
        if limit := cpu_memory():
            found.append(MemoryUse("memory", pages * os.sysconf("SC_PAGE_SIZE"), limit))
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        found.append(MemoryUse("device_memory", torch.cuda.memory_reserved(device), total))
    return found


@dataclass
class Watch:
    """When a run has last shown that it is alive, and last complained."""

    device: torch.device
    clock: Callable[[], float] = time.monotonic
    memory: Callable[[torch.device], list[MemoryUse]] = memory_of
    _beaten: float = field(init=False)
    _looked: float = field(init=False)
    _complained: dict[tuple[str, Level], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beaten = self._looked = self.clock()

    def beats(self, every_s: float | None) -> bool:
        """Whether a heartbeat is due; it then counts as given."""
        now = self.clock()
        if every_s is None or now - self._beaten < every_s:
            return False
        self._beaten = now
        return True

    def holdings(self) -> dict[str, str | int]:
        """Return what a heartbeat says of the machine."""
        held = {f"{memory.what}_bytes": memory.used for memory in self.memory(self.device)}
        return {"device": str(self.device), **held}

    def complaints(self) -> list[tuple[Level, MemoryUse]]:
        """Return what is short of memory, and has not been said for a while."""
        now = self.clock()
        if now - self._looked < LOOK_EVERY_S:
            return []
        self._looked = now
        due = [(m.level, m) for m in self.memory(self.device) if m.level is not None]
        return [(level, memory) for level, memory in due if self._may_say(level, memory, now)]

    def _may_say(self, level: Level, memory: MemoryUse, now: float) -> bool:
        said = self._complained.get((memory.what, level))
        if said is not None and now - said < COOLDOWN_S:
            return False
        self._complained[memory.what, level] = now
        return True
