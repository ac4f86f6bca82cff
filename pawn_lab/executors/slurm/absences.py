"""Since when the job of an attempt is absent: in its folder, for whichever process looks next."""

import json
import time

from pawn_lab.documents import read_json_object, write_cache
from pawn_lab.executors.attempt import Attempt

_SINCE = "absent_since"


def lasted_s(attempt: Attempt) -> float:
    """Return for how long the job has been absent; the first who sees it writes that down."""
    record = _record(attempt)
    since = record.get(_SINCE)
    now = time.time()
    if isinstance(since, int | float):
        return now - since
    _write(attempt, record | {_SINCE: now})
    return 0.0


def over(attempt: Attempt) -> None:
    """Note that the job is there."""
    record = _record(attempt)
    if record.pop(_SINCE, None) is not None:
        _write(attempt, record)


def _record(attempt: Attempt) -> dict:
    record = read_json_object(attempt.paths.job) or {}
    return record if record.get("token") == attempt.token else {"token": attempt.token}


def _write(attempt: Attempt, record: dict) -> None:
    write_cache(attempt.paths.job, json.dumps(record).encode())
