"""How much time has passed, whatever the wall clock was set to meanwhile. Standard library only."""

import contextlib
import functools
import os
import time
from pathlib import Path
from typing import NamedTuple, Self

SET_S = 2.0
"""A wall clock that is further off than this was set; one that is steered comes less far."""


class Moment(NamedTuple):
    """A moment by the wall clock (Unix seconds), and by the uptime of the boot that it was in."""

    wall: float
    boot: str | None
    uptime: float | None

    @classmethod
    def at(cls, wall: float) -> Self:
        """Return the present, which the wall clock gives as `wall`."""
        return cls(wall, boot_id(), uptime_s())

    def until(self, later: "Moment") -> float:
        """Return the seconds to a later moment: by uptime within a boot, else by the wall clock."""
        if self.uptime is None or later.uptime is None or self.boot != later.boot:
            return max(0.0, later.wall - self.wall)
        return max(0.0, later.uptime - self.uptime)

    def seen_from(self, now: "Moment") -> float:
        """Return it by the wall clock as that is set at `now`, which comes later."""
        moved = now.wall - self.until(now)
        return moved if abs(moved - self.wall) > SET_S else self.wall


def uptime_s() -> float:
    """Return the seconds since the machine was booted, those in which it was suspended included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@functools.cache
def boot_id() -> str:
    """Return the kernel's identifier of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def up_since(now: float) -> float:
    """Return when this machine, or the container that we are in, was started, by the wall clock."""
    return now - uptime_s() + _init_started_s()


def _init_started_s() -> float:
    """Return the uptime at which the first process was started; 0 where it is hidden."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/1/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")  # starttime, see proc(5)
    return 0.0
