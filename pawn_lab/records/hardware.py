"""Devices and disks, and what trials take of them."""

from pawn_lab.records.record import Record
from pawn_lab.states import State


class DeviceStatus(Record):
    """A device and who holds it; memory in bytes, None where it cannot be read."""

    id: str
    kind: str
    name: str
    trial_id: int | None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature_c: int | None = None
    utilization: int | None = None
    strangers: int = 0
    """Processes that compute on it and are not of the trial that holds it, as far as can be told.
    """


class DiskUse(Record):
    """What a trial takes on the disk, in bytes."""

    trial_id: int
    state: State
    tags: list[str]
    archived: bool
    checkpoints: int
    checkpoints_bytes: int
    other_bytes: int

    def bytes(self, *, checkpoints_only: bool = False) -> int:
        """Return the bytes of all files, or of the checkpoints' alone."""
        return self.checkpoints_bytes + (0 if checkpoints_only else self.other_bytes)


class FreedTrial(Record):
    """A trial of which something was deleted, and the bytes that this freed."""

    trial_id: int
    freed_bytes: int
