"""Room kept on the disk for the record of a trial's end. Standard library only."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from pawn_core.durable import sync_file
from pawn_lab.documents import write_json

RESERVED_BYTES = 65_536

_OPEN = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def keep_room(reserve: Path) -> None:
    """Take the room that a record may need later.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    file = os.open(reserve, _OPEN | os.O_CREAT, 0o644)
    try:
        os.posix_fallocate(file, 0, RESERVED_BYTES)
    finally:
        os.close(file)


def write_reserved(path: Path, reserve: Path, record: dict[str, Any]) -> None:
    """Write a record durably and in one step, into the reserved room: on a full disk too.

    Raises:
        OSError: there was no such room, and the disk refused.
    """
    data = json.dumps(record, indent=2, allow_nan=False).encode() + b"\n"
    try:
        if len(data) > RESERVED_BYTES:
            raise OSError("the record is larger than the room kept for it")
        _overwrite(reserve, data)
        reserve.replace(path)
        sync_file(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            reserve.unlink()  # a file system that never writes in place has room then
        write_json(path, record)


def _overwrite(reserve: Path, data: bytes) -> None:
    file = os.open(reserve, _OPEN)
    try:
        os.pwrite(file, data, 0)
        os.ftruncate(file, len(data))
        os.fsync(file)
    finally:
        os.close(file)
