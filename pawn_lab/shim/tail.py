"""The end of a metrics stream, read as it grows. Standard library only."""

import contextlib
import os
from pathlib import Path
from typing import Any

from pawn_core.untrusted import open_file, parse_json

Record = dict[str, Any]

_MOST_BYTES_A_LOOK = 1 << 20


class Tail:
    """What a trainer adds to its metrics stream, from one look to the next."""

    def __init__(self, metrics: Path, root: Path | None = None) -> None:
        """Watch a stream; below `root`, by default its folder, no link is followed to it."""
        self._metrics, self._root = metrics, root
        self._offset = 0

    def records(self) -> list[Record]:
        """Return the records in the next stretch of whole lines; what is no record is left out."""
        with contextlib.suppress(OSError):
            data = self._next_bytes()
            whole = data.rfind(b"\n") + 1
            if not whole and len(data) == _MOST_BYTES_A_LOOK:
                whole = len(data)  # a line over any sensible length is passed over
            self._offset += whole
            records = (_record(line) for line in data[:whole].splitlines())
            return [record for record in records if record is not None]
        return []

    def _next_bytes(self) -> bytes:
        with os.fdopen(open_file(self._metrics, self._root), "rb") as file:
            if os.fstat(file.fileno()).st_size < self._offset:
                self._offset = 0  # another file in its place
            file.seek(self._offset)
            return file.read(_MOST_BYTES_A_LOOK)


def _record(line: bytes) -> Record | None:
    try:
        record = parse_json(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
