"""The metrics stream: one JSON object a line, one write(2) each. Never imports torch.

Every record has `type` (config, train, eval, event), `seq` (gapless from 0), `step` and `time`
(unix seconds); numbers are finite or null.
"""

import json
import math
import os
import time
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from pawn_core.untrusted import open_file, plain

TRAIN, EVAL = "train", "eval"

MAX_RECORD_BYTES = 1 << 20
MOST_NAME_CHARACTERS = 64
MOST_FIELDS = 256
LARGEST_STEP = 2**53
LARGEST_NUMBER = 1e50
"""Beyond float32, in which losses and norms are computed; its fourth power is within float64."""
LATEST_TIME = 1e11
_ENVELOPE = frozenset({"type", "step", "time", "variant"})
_CHUNK_BYTES = 1 << 20


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


Record = dict[str, Any]


def read_records(
    path: Path, offset: int = 0, root: Path | None = None, most: int | None = None
) -> tuple[list[Record], int]:
    """Return the records from a byte offset on, and the offset to read from next time.

    A last line without its newline is left for the next call; a line that is not a JSON object
    (torn, invalid UTF-8, over 1 MiB) is passed over. A file that is missing or none, as
    `untrusted.open_file` has it, has no records; one that shrank is read from its beginning.

    Args:
        root: below it no link is followed; by default the file's folder.
        most: about how many bytes to read at once; all where it is None.
    """
    try:
        descriptor = open_file(path, root)
    except OSError:
        return [], offset
    with os.fdopen(descriptor, "rb") as file:
        offset = offset if offset <= os.fstat(file.fileno()).st_size else 0
        file.seek(offset)
        return _parse_lines(file, offset, most)


def _parse_lines(file: BinaryIO, offset: int, most: int | None) -> tuple[list[Record], int]:
    records, rest, end = [], b"", math.inf if most is None else offset + most
    while offset + len(rest) < end and (chunk := file.read(_CHUNK_BYTES)):
        *lines, rest = (rest + chunk).split(b"\n")
        offset += sum(len(line) + 1 for line in lines)
        records.extend(record for line in lines if (record := _parse(line)) is not None)
        if len(rest) > MAX_RECORD_BYTES:  # its end, when it comes, is no record either
            offset, rest = offset + len(rest), b""
    return records, offset


def _parse(line: bytes) -> Record | None:
    if len(line) > MAX_RECORD_BYTES:
        return None
    try:
        record = _JSON.decode(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and "type" in record else None


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_reject)


def measurement(record: Record) -> Record | None:
    """Return a record in the one shape that readings can rely on; None where it has not even that.

    `type` is text, `step` a count, `time` Unix seconds or null, `variant`, where there is one, a
    short name. All else of a train or eval record is a number that can be reckoned with, or null;
    of other records it is as `untrusted.plain` leaves it.
    """
    kind, step, variant = record.get("type"), record.get("step"), record.get("variant") or ""
    if not (isinstance(kind, str) and isinstance(variant, str) and _is_count(step)):
        return None
    time = record.get("time")
    envelope = {"type": plain(kind), "step": step, "time": time if _is_moment(time) else None}
    if variant:
        envelope["variant"] = plain(variant)[:MOST_NAME_CHARACTERS]
    rest = ((name, value) for name, value in record.items() if name not in _ENVELOPE)
    if kind not in (TRAIN, EVAL):
        return envelope | plain(dict(rest))
    named = ((n, v) for n, v in rest if len(n) <= MOST_NAME_CHARACTERS and n.isascii())
    return envelope | {name: number(value) for name, value in islice(named, MOST_FIELDS)}


def number(value: Any) -> int | float | None:
    """Return a number whose powers and sums stay finite too; None for anything else."""
    sound = type(value) in (int, float) and abs(value) <= LARGEST_NUMBER  # NaN is not
    return value if sound else None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_STEP


def _is_moment(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= LATEST_TIME


def finite(value: Any) -> Any:
    """Return a JSON value with null in place of every number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
