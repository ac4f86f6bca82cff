"""Room on the disk that the workspace lies on: told of before there is none."""

import shutil

from pawn_lab.lab import Lab, noting

LEAST_BYTES, LEAST_SHARE = 2 << 30, 0.05
"""Of a small disk a share is little enough."""
_GIB = 1 << 30


class Room:
    """Tells once when little room is left, and again after there was twice as much."""

    def __init__(self) -> None:
        self._is_told = False

    def look(self, lab: Lab) -> None:
        """Append an event where the disk is nearly full."""
        disk = shutil.disk_usage(lab.paths.root)
        least = min(LEAST_BYTES, LEAST_SHARE * disk.total)
        if disk.free >= 2 * least:
            self._is_told = False
        if disk.free >= least or self._is_told:
            return
        message = (
            f"{disk.free / disk.total:.0%} of the workspace's disk left, {disk.free / _GIB:.2f} "
            "GiB: a trial that cannot save fails; `pawn-lab disk` shows what takes it, "
            "`pawn-lab delete --checkpoints` makes room"
        )
        noting.note(lab, "disk", message, {"free": disk.free, "total": disk.total})
        self._is_told = True
