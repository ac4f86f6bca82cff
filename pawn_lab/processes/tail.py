"""The end of a metrics stream, read as it grows. Standard library only."""

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_MOST_BYTES_A_LOOK = 1 << 20


class Tail:
    """What a trainer adds to its metrics stream, from one look to the next."""

    def __init__(self, metrics: Path) -> None:
        self._metrics = metrics
        self._offset = 0

    def records(self) -> list[Record]:
        """Return the records in the next stretch of whole lines; what is no record is left out."""
        try:
            with self._metrics.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_MOST_BYTES_A_LOOK)
        except OSError:
            return []
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == _MOST_BYTES_A_LOOK:
            whole = len(data)  # a line over any sensible length is passed over
        self._offset += whole
        found = (_record(line) for line in data[:whole].splitlines())
        return [each for each in found if each is not None]


def _record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
