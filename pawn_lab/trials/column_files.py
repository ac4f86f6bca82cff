"""The file that keeps a stream's columns, so that one of them is read without the others.

A line proves the next one whole; that one says what was read of the stream and where each block of
numbers lies in the bytes behind it, little-endian, with its CRC-32. A trial can replace the file:
what the lab would not have written is refused, and made again from the stream.
"""

import hashlib
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, TypeAdapter

from pawn_core.metrics import LARGEST_NUMBER, LARGEST_STEP, LATEST_TIME, MOST_NAME_CHARACTERS
from pawn_core.untrusted import open_file
from pawn_lab.trials.columns import MOST_NUMBERS, Key, Kind, MetricColumn, Places, Table
from pawn_lab.trials.summaries import Count, StreamPosition, TokenCount

_MOST_HEAD_BYTES = 16 << 20
_FLOAT, _ROW = np.dtype("<f8"), np.dtype("<u4")

Size = Annotated[int, Field(ge=0, le=MOST_NUMBERS)]


class DamagedColumnsError(Exception):
    """A file of columns holds what the lab would not have written."""


class Block(NamedTuple):
    """Numbers that lie together: where, how many, and their checksum."""

    at: Annotated[int, Field(ge=0, le=1 << 40)]
    count: Size
    crc: int


class StoredColumn(NamedTuple):
    """Where a metric's values lie, and their rows unless every row has one."""

    values: Block
    rows: Block | None


@dataclass
class StoredSeries:
    """Where the records of one kind of one model lie."""

    kind: Kind
    model: Annotated[str, Field(max_length=MOST_NAME_CHARACTERS)]
    rows: Size
    places: tuple[Block, Block, Block, Block]
    """Numbers, steps, times and tokens."""
    columns: dict[Annotated[str, Field(max_length=MOST_NAME_CHARACTERS)], StoredColumn]


@dataclass
class Head:
    """What a file says of itself.

    reading: tells it from those of streams that stood in the place of this one.
    halvings: how often values were left out of it.
    """

    place: StreamPosition = field(default_factory=StreamPosition)
    reading: Count = 0
    records: Count = 0
    halvings: Count = 0
    steps: dict[str, Count] = field(default_factory=dict)
    tokens: dict[str, TokenCount] = field(default_factory=dict)
    series: list[StoredSeries] = field(default_factory=list)
    format: Literal[1] = 1

    @cached_property
    def by_key(self) -> dict[Key, StoredSeries]:
        """The series by kind and model."""
        return {(series.kind, series.model): series for series in self.series}


_HEAD = TypeAdapter(Head)


class ColumnFile:
    """Columns at rest, of a file or, where none could be written, of its bytes."""

    def __init__(self, head: Head, start: int, source: Path | bytes, root: Path) -> None:
        self.head = head
        self._start, self._source, self._root = start, source, root

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        blocks = sum(1 + len(series.columns) for series in self.head.series)
        return 1000 + 600 * blocks + (len(self._source) if isinstance(self._source, bytes) else 0)

    @classmethod
    def read(cls, path: Path, root: Path) -> "ColumnFile":
        """Return the file's head; its numbers are read as they are asked for.

        Raises:
            DamagedColumnsError: it is not as the lab writes it.
            OSError: there is none that can be read.
        """
        with os.fdopen(open_file(path, root), "rb") as file:
            digest, line = file.readline(65), file.readline(_MOST_HEAD_BYTES)
        return cls(_head(digest, line), len(digest) + len(line), path, root)

    @classmethod
    def of_bytes(cls, data: bytes, root: Path) -> "ColumnFile":
        """Return columns that stay in memory."""
        digest, line, _ = data.split(b"\n", 2)
        start = len(digest) + len(line) + 2
        return cls(_head(digest + b"\n", line + b"\n"), start, data, root)

    def table(
        self, key: Key, names: Iterable[str] | None = None, *, timed: bool = True
    ) -> Table | None:
        """Return a series with these columns, or all; None where there is none.

        timed: with times and tokens, which else are NaN.

        Raises:
            DamagedColumnsError: it is not as the lab writes it, or was replaced meanwhile.
        """
        stored = self.head.by_key.get(key)
        if stored is None:
            return None
        wanted = stored.columns if names is None else [n for n in names if n in stored.columns]
        try:
            with _Blocks(self._source, self._start, self._root) as blocks:
                places = _places(blocks, stored, timed=timed)
                columns = {name: _column(blocks, stored, name) for name in wanted}
        except (OSError, ValueError) as error:
            raise DamagedColumnsError(str(error)) from None
        return Table(places, columns)


class _Blocks:
    """An open file, or bytes, of which blocks are read and checked."""

    def __init__(self, source: Path | bytes, start: int, root: Path) -> None:
        self._data = source if isinstance(source, bytes) else b""
        self._file = None if isinstance(source, bytes) else open_file(source, root)
        self._start = start

    def __enter__(self) -> "_Blocks":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)

    def numbers(self, block: Block) -> np.ndarray:
        return np.frombuffer(self._read(block, _FLOAT), _FLOAT)

    def rows(self, block: Block) -> np.ndarray:
        return np.frombuffer(self._read(block, _ROW), _ROW)

    def _read(self, block: Block, of: np.dtype) -> bytes:
        size, at = block.count * of.itemsize, self._start + block.at
        data = self._data[at : at + size] if self._file is None else os.pread(self._file, size, at)
        _check(len(data) == size and zlib.crc32(data) == block.crc, "a block is not whole")
        return data


def _column(blocks: _Blocks, series: StoredSeries, name: str) -> MetricColumn:
    stored = series.columns[name]
    values = blocks.numbers(stored.values)
    every = np.arange(len(values), dtype=_ROW)
    rows = every if stored.rows is None else blocks.rows(stored.rows)
    last = int(rows[-1]) if len(rows) else -1
    _check(len(rows) == len(values) and last < series.rows, "rows are missing")
    _check((np.diff(rows.astype(np.int64)) > 0).all(), "rows are not in order")
    _check(not (np.abs(values) > LARGEST_NUMBER).any(), "a value is out of range")
    return MetricColumn(rows, values)


def _places(blocks: _Blocks, series: StoredSeries, *, timed: bool) -> Places:
    number, step = (blocks.numbers(block) for block in series.places[:2])
    unknown = [np.broadcast_to(np.nan, number.shape)] * 2
    time, tokens = (blocks.numbers(b) for b in series.places[2:]) if timed else unknown
    lengths = {len(numbers) for numbers in (number, step, time, tokens)}
    _check(lengths == {series.rows}, "records are missing")
    _check((np.diff(number, prepend=0.0) > 0).all(), "records are not in order")
    _check(((step >= 0) & (step <= LARGEST_STEP)).all(), "a step is out of range")
    _check((((time >= 0) & (time <= LATEST_TIME)) | np.isnan(time)).all(), "a time is wrong")
    _check(not timed or np.isfinite(tokens).all(), "tokens are not finite")
    return Places(number, step, time, tokens)


def _check(is_sound: bool | np.bool_, what: str) -> None:
    if not is_sound:
        raise DamagedColumnsError(what)


def _head(digest: bytes, line: bytes) -> Head:
    _check(digest == _digest(line), "its head is not whole")
    try:
        return _HEAD.validate_json(line)
    except ValueError as error:
        raise DamagedColumnsError(str(error)) from None


def _digest(line: bytes) -> bytes:
    return hashlib.sha256(line).hexdigest().encode() + b"\n"


class _Written:
    """Blocks that are written one after the other."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._at = 0

    def series(self, key: Key, table: Table) -> StoredSeries:
        columns = {name: self._column(column, table.rows) for name, column in table.columns.items()}
        number, step, time, tokens = (self._block(numbers, _FLOAT) for numbers in table.places)
        places = number, step, time, tokens
        return StoredSeries(key[0], key[1], table.rows, places, columns)

    def _column(self, column: MetricColumn, rows: int) -> StoredColumn:
        values = self._block(column.values, _FLOAT)
        return StoredColumn(values, self._block(column.rows, _ROW) if values.count < rows else None)

    def _block(self, numbers: np.ndarray, of: np.dtype) -> Block:
        data = numbers.astype(of, copy=False).tobytes()
        block = Block(self._at, len(numbers), zlib.crc32(data))
        self.parts.append(data)
        self._at += len(data)
        return block


def document(head: Head, tables: Mapping[Key, Table]) -> bytes:
    """Return tables as a file has them, after a head whose series they are."""
    written = _Written()
    head.series = [written.series(key, table) for key, table in tables.items()]
    line = _HEAD.dump_json(head) + b"\n"
    return b"".join([_digest(line), line, *written.parts])
