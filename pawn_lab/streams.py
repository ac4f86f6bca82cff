"""The metrics streams of trials, read as what a stranger wrote."""

import contextlib
import os

from pawn_core.metrics import Record, measurement, read_records
from pawn_core.untrusted import open_file
from pawn_lab.paths import TrialPaths

_TAIL_BYTES = 1 << 18


def records(paths: TrialPaths) -> list[Record]:
    """Return a trial's records, all in the shape of `metrics.measurement`."""
    return records_from(paths, 0)[0]


def records_from(paths: TrialPaths, offset: int) -> tuple[list[Record], int]:
    """Return the records from a byte offset on, and the offset to read from next time."""
    read, offset = read_records(paths.metrics, offset, paths.root)
    return [found for record in read if (found := measurement(record)) is not None], offset


def recent_records(paths: TrialPaths) -> list[Record]:
    """Return the records in the last 256 KiB of a trial's stream."""
    return records_from(paths, max(0, _size(paths) - _TAIL_BYTES))[0]


def _size(paths: TrialPaths) -> int:
    """Return the bytes of a trial's stream; 0 where there is none that can be read."""
    with contextlib.suppress(OSError), os.fdopen(open_file(paths.metrics, paths.root)) as file:
        return os.fstat(file.fileno()).st_size
    return 0
