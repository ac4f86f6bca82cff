"""The metrics streams of trials, read as what a stranger wrote, and each stretch of them once.

What a stream has shown is kept in the trial's `summary.json` with the place up to which it was
read, so that a later look, of whatever process, reads on from there. Its second line has what most
questions need, the evaluations; the third the train records. Losing it costs a reading.
"""

import contextlib
import hashlib
import os
import stat
import time
from io import BufferedReader
from pathlib import Path

from pawn_core.config.facts import Merit
from pawn_core.metrics import (
    Record,
    measurement,
    read_records,
)
from pawn_core.untrusted import open_file, read_file
from pawn_lab.documents import write_cache
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials.summaries import Shown, StreamPosition, Summary

_TAIL_BYTES = 1 << 18
_PART_BYTES = 8 << 20
_CONFIG_BYTES = 256 << 10
_WORTH_KEEPING_BYTES = 8 << 10
_SEAM_BYTES = 512
_MOST_SUMMARY_BYTES = 256 << 20
_MOST_REMEMBERED = 512
_SETTLED_S = 0.1
"""Within it a file may be written again without a change of its times."""
_LATEST: dict[Path, tuple[tuple[int, ...], Shown]] = {}
"""What streams had shown by this process's last looks, the latest last, and their states then."""


def shown(paths: TrialPaths, merit: Merit) -> Shown:
    """Return what a trial's stream has shown, which is shared and not to be changed.

    Which evaluation is the best is by that metric of merit.

    What did not change since this process last looked is not even read again.
    """
    before = state_of(paths.metrics)
    seen, latest = _LATEST.get(paths.metrics, (None, None))
    is_same = before is not None and seen == before
    if latest is not None and is_same and latest.merit == merit:
        return latest
    latest = summary(paths, merit).shown
    _LATEST.pop(paths.metrics, None)
    if before is not None and before == state_of(paths.metrics):
        _LATEST[paths.metrics] = before, latest
        while len(_LATEST) > _MOST_REMEMBERED:
            _LATEST.pop(next(iter(_LATEST)), None)
    return latest


def state_of(stream: Path) -> tuple[int, ...] | None:
    """Return what changes with a stream; None where it was written just now, or is none."""
    with contextlib.suppress(OSError):
        status = stream.lstat()
        if stat.S_ISREG(status.st_mode) and time.time() - status.st_ctime > _SETTLED_S:
            place = (status.st_dev, status.st_ino, status.st_size)
            return (*place, status.st_mtime_ns, status.st_ctime_ns)
    return None


def evaluations(paths: TrialPaths, merit: Merit) -> list[Record]:
    """Return the evaluations of a trial, in the shape of `metrics.measurement` and with `TOKENS`.

    Where a model has more than `MOST_KEPT`, some are left out.
    """
    return shown(paths, merit).evaluations


def records(paths: TrialPaths, merit: Merit) -> list[Record]:
    """Return the train and eval records of a trial, as `evaluations` does."""
    return summary(paths, merit).records


def summary(paths: TrialPaths, merit: Merit) -> Summary:
    """Return the summary of a trial's stream, brought up to date."""
    try:
        with os.fdopen(open_file(paths.metrics, paths.outer), "rb") as file:
            return _read_on(paths, file, merit)
    except OSError:
        return Summary(Shown(merit))


def _read_on(paths: TrialPaths, file: BufferedReader, merit: Merit) -> Summary:
    kept, size = _kept(paths), os.fstat(file.fileno()).st_size
    if kept is None or kept.shown.merit != merit or not goes_on(file, kept.shown.place):
        kept = Summary(Shown(merit))
    before = offset = kept.shown.place.offset
    while offset < size:
        read, after = records_from(paths, offset, _PART_BYTES)
        for record in read:
            kept.add(record)
        if after <= offset:
            break  # the rest is a line that is not whole yet
        offset = after
    kept.shown.place = place_in(file, offset)
    if offset >= before + _WORTH_KEEPING_BYTES:
        write_cache(paths.summary, kept.document())
    return kept


def goes_on(file: BufferedReader, place: StreamPosition) -> bool:
    """Say whether a stream is the one that was read up to a place."""
    return place_in(file, place.offset) == place


def _kept(paths: TrialPaths) -> Summary | None:
    """Return the summary as it was kept; None where it cannot be made use of."""
    with contextlib.suppress(OSError):
        return Summary.of_document(read_file(paths.summary, most=_MOST_SUMMARY_BYTES))
    return None


def place_in(file: BufferedReader, offset: int) -> StreamPosition:
    """Return a place in a stream with what tells it from another stream's."""
    status = os.fstat(file.fileno())
    before = os.pread(file.fileno(), _SEAM_BYTES, max(0, offset - _SEAM_BYTES))
    seam = hashlib.sha256(before[: min(offset, _SEAM_BYTES)]).hexdigest()[:16]
    return StreamPosition((status.st_dev, status.st_ino), offset, seam)


def records_from(
    paths: TrialPaths, offset: int, most: int | None = None
) -> tuple[list[Record], int]:
    """Return all records from a byte offset on, and the offset to read from next time."""
    read, offset = read_records(paths.metrics, offset, paths.outer, most)
    return [record for record in map(measurement, read) if record is not None], offset


def config_record(paths: TrialPaths) -> Record:
    """Return what a trial's stream begins with: its config, and facts; empty where that is none."""
    first, _ = records_from(paths, 0, _CONFIG_BYTES)
    return first[0] if first and first[0]["type"] == "config" else {}


def recent_records(paths: TrialPaths) -> list[Record]:
    """Return all records in the last 256 KiB of a trial's stream."""
    return records_from(paths, max(0, _size(paths) - _TAIL_BYTES))[0]


def _size(paths: TrialPaths) -> int:
    """Return the bytes of a trial's stream; 0 where there is none that can be read."""
    with contextlib.suppress(OSError), os.fdopen(open_file(paths.metrics, paths.outer)) as file:
        return os.fstat(file.fileno()).st_size
    return 0
