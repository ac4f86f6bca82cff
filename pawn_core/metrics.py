"""The metrics stream: one JSON object a line, one write(2) each. Never imports torch.

Every record has `type` (config, train, eval, event), `seq` (gapless from 0), `step` and `time`
(unix seconds); numbers are finite or null.
"""

import json
import math
import os
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

FILE = "metrics.jsonl"

_CHUNK_BYTES = 1 << 20
MAX_RECORD_BYTES = 1 << 20


class Mark(NamedTuple):
    """A place in the stream: bytes before it, and the next record's `seq`."""

    offset: int
    seq: int


START = Mark(0, 0)


class MetricsWriter:
    """Append records to a stream; one writer a file."""

    def __init__(self, path: Path, mark: Mark = START) -> None:
        """Open the stream and drop whatever follows the mark: a repeated stretch, a torn line.

        Raises:
            ValueError: the file ends before the mark.
        """
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        size = os.fstat(self._file).st_size
        if size < mark.offset:
            os.close(self._file)
            raise ValueError(f"{path} has {size} bytes, its checkpoint expects {mark.offset}")
        os.ftruncate(self._file, mark.offset)
        self._offset, self._seq = mark

    def write(self, kind: str, step: int, fields: dict[str, Any]) -> None:
        """Append one record; a non-finite number becomes null."""
        record = {"type": kind, "seq": self._seq, "step": step, "time": time.time(), **fields}
        line = json.dumps(finite(record), allow_nan=False).encode() + b"\n"
        written = os.write(self._file, line)
        if written != len(line):
            os.ftruncate(self._file, self._offset)
            raise OSError(f"wrote {written} of {len(line)} bytes of a metrics record")
        self._offset += len(line)
        self._seq += 1

    def mark(self) -> Mark:
        """Return the place after the last record, its bytes forced to the disk."""
        os.fsync(self._file)
        return Mark(self._offset, self._seq)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_records(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Return the records from a byte offset on, and the offset to read from next time.

    A last line without its newline is left for the next call; a line that is not a JSON object
    (torn, invalid UTF-8, over 1 MiB) is passed over. A missing file has no records.
    """
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        return _parse_complete_lines(file, offset)


def _parse_complete_lines(file: Any, offset: int) -> tuple[list[dict[str, Any]], int]:
    records, rest = [], b""
    while chunk := file.read(_CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        offset += sum(len(line) + 1 for line in lines)
        records.extend(record for line in lines if (record := _parse(line)) is not None)
    return records, offset


def _parse(line: bytes) -> dict[str, Any] | None:
    if len(line) > MAX_RECORD_BYTES:
        return None
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_reject)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and "type" in record else None


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def finite(value: Any) -> Any:
    """Return a JSON value with null in place of every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
