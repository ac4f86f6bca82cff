"""The numbers of a metrics stream by metric: no record is left out, so no spike is lost.

A stream with more numbers than `MOST_NUMBERS` is halved: of each four values in a row of a metric
the least and the largest stay, at the steps where they were.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from pawn_core.metrics import EVAL, TRAIN, Record
from pawn_lab.trials.summaries import MOST_MODELS, TokenCount

MOST_NUMBERS = 1 << 22
"""Of a stream; with the rows that they stand in they take up to 48 MiB."""
MOST_COLUMNS = 512
"""Metrics of a series."""

Kind = Literal["train", "eval"]
KINDS: tuple[Kind, ...] = (TRAIN, EVAL)
Key = tuple[Kind, str]
"""The kind of the records, and the model."""

_OUTSIDE = frozenset({"type", "seq", "step", "time", "variant"})
_NAN = float("nan")


class Places(NamedTuple):
    """Where records are, in the order of their stream, as float64; what is unknown is NaN.

    number: of the record in its stream, from 1. tokens: trained on up to there in this stream.
    """

    number: np.ndarray
    step: np.ndarray
    time: np.ndarray
    tokens: np.ndarray

    def at(self, chosen: Any) -> "Places":
        """Return the places that an index, a slice or a mask chooses."""
        return Places(*(numbers[chosen] for numbers in self))

    def followed_by(self, later: "Places") -> "Places":
        """Return these and then those."""
        return Places(*map(np.concatenate, zip(self, later, strict=True)))


class Points(NamedTuple):
    """Values of a metric, each where its record is."""

    number: np.ndarray
    step: np.ndarray
    time: np.ndarray
    tokens: np.ndarray
    value: np.ndarray

    def at(self, chosen: Any) -> "Points":
        """Return the points that an index, a slice or a mask chooses."""
        return Points(*(numbers[chosen] for numbers in self))

    def in_order(self, after: int) -> "Points":
        """Return the points of records numbered higher, in the order of the stream."""
        later = self.at(self.number > after) if after else self
        if (np.diff(later.number) > 0).all():
            return later
        return later.at(np.argsort(later.number, kind="stable"))

    @classmethod
    def joined(cls, parts: list["Points"]) -> "Points":
        """Return the points of parts, one after the other."""
        if not parts:
            return cls(*[np.empty(0)] * len(cls._fields))
        return parts[0] if len(parts) == 1 else cls(*map(np.concatenate, zip(*parts, strict=True)))


class MetricColumn(NamedTuple):
    """Values of a metric, and in which rows of its series they stand."""

    rows: np.ndarray
    """uint32."""
    values: np.ndarray
    """float64; NaN where the record has null."""

    def halved(self) -> "MetricColumn":
        """Return the least and the largest of each four values in a row, and those left over."""
        whole = len(self.values) // 4 * 4
        kept = np.concatenate([extremes(self.values, 4), np.arange(whole, len(self.values))])
        return MetricColumn(self.rows[kept], self.values[kept])


class Table(NamedTuple):
    """A series at rest."""

    places: Places
    columns: dict[str, MetricColumn]

    @property
    def numbers(self) -> int:
        """How many numbers it holds."""
        values = sum(len(column.values) for column in self.columns.values())
        return len(Places._fields) * self.rows + values

    @property
    def rows(self) -> int:
        """How many records it has."""
        return len(self.places.number)

    def points(self, name: str) -> Points:
        """Return the values of a metric, of one that it lacks none."""
        if name not in self.columns:
            return Points.joined([])
        rows, values = self.columns[name]
        return Points(*(self.places if len(rows) == self.rows else self.places.at(rows)), values)

    def moments(self) -> Points:
        """Return the records without a value."""
        return Points(*self.places, np.full(self.rows, _NAN))

    def halved(self) -> "Table":
        """Return the table with about half the values of each metric."""
        columns = {name: column.halved() for name, column in self.columns.items()}
        rows = [np.empty(0, np.uint32), *(column.rows for column in columns.values())]
        used = np.unique(np.concatenate(rows))
        moved = {n: MetricColumn(_places(used, c.rows), c.values) for n, c in columns.items()}
        return Table(self.places.at(used), moved)

    def followed_by(self, later: "Table") -> "Table":
        """Return the table with the rows of another after its own."""
        before = self.rows
        names = dict.fromkeys([*self.columns, *later.columns])
        columns = {name: self._longer(name, later, before) for name in names}
        return Table(self.places.followed_by(later.places), columns)

    def _longer(self, name: str, later: "Table", before: int) -> MetricColumn:
        parts = [self.columns[name]] if name in self.columns else []
        if name in later.columns:
            rows, values = later.columns[name]
            parts.append(MetricColumn(rows + np.uint32(before), values))
        return MetricColumn(*map(np.concatenate, zip(*parts, strict=True)))


def _places(used: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.searchsorted(used, rows).astype(np.uint32)


@dataclass
class Growing:
    """A series to which records are still added."""

    places: array = field(default_factory=lambda: array("d"))
    """Number, step, time and tokens of one record after the other."""
    rows: dict[str, array] = field(default_factory=dict)
    values: dict[str, array] = field(default_factory=dict)
    count: int = 0

    def add(self, number: int, tokens: float, record: Record) -> int:
        """Add a record; return how many numbers that made."""
        time = record["time"]
        moment = _NAN if time is None else time
        self.places.extend((number, record["step"], moment, tokens))
        row, added = self.count, 4
        for name, value in record.items():
            if name not in _OUTSIDE and self._has(name):
                self.rows[name].append(row)
                self.values[name].append(_NAN if value is None else value)
                added += 1
        self.count += 1
        return added

    def _has(self, name: str) -> bool:
        """Say whether there is a column of a name, which is made where there is room."""
        if name in self.rows:
            return True
        if len(self.rows) == MOST_COLUMNS:
            return False
        self.rows[name], self.values[name] = array("I"), array("d")
        return True

    def table(self, names: Iterable[str] | None = None, after: int = 0) -> Table:
        """Return its records numbered higher, with these columns or all."""
        numbers = np.array(self.places[::4])
        first = int(np.searchsorted(numbers, after, side="right"))
        places = np.array(self.places[4 * first :], dtype=np.float64).reshape(-1, 4)
        wanted = self.rows if names is None else [name for name in names if name in self.rows]
        return Table(Places(*places.T), {name: self._column(name, first) for name in wanted})

    def _column(self, name: str, first: int) -> MetricColumn:
        rows = np.array(self.rows[name], dtype=np.uint32)
        start = int(np.searchsorted(rows, first))
        values = np.array(self.values[name][start:], dtype=np.float64)
        return MetricColumn(rows[start:] - np.uint32(first), values)


@dataclass
class UnsettledStream:
    """What of a stream is not at rest yet, and what is needed to read on."""

    records: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    """The last step by model; of records of none in particular, as events, that of ''."""
    tokens: dict[str, TokenCount] = field(default_factory=dict)
    series: dict[Key, Growing] = field(default_factory=dict)
    numbers: int = 0

    def add(self, record: Record) -> None:
        """Take note of the stream's next record."""
        model = record.get("variant", "")
        self.records += 1
        if model not in self.steps and len(self.steps) == MOST_MODELS:
            return
        self.steps[model] = record["step"]
        if record["type"] not in (TRAIN, EVAL):
            return
        tokens = self.tokens.setdefault(model, TokenCount()).after(record)
        series = self.series.setdefault((record["type"], model), Growing())
        self.numbers += series.add(self.records, tokens, record)


def extremes(values: np.ndarray, width: int) -> np.ndarray:
    """Return where the least and the largest of each `width` values in a row are, in order.

    Those of an incomplete last bucket are not among them, nor is what is not a number unless it is
    a bucket's first and all that it has.
    """
    buckets = values[: len(values) // width * width].reshape(-1, width)
    first = np.arange(len(buckets)) * width
    unknown = np.isnan(buckets)
    least = first + np.where(unknown, np.inf, buckets).argmin(axis=1)
    largest = first + np.where(unknown, -np.inf, buckets).argmax(axis=1)
    return np.unique(np.concatenate([least, largest]))


def bounded(tables: Mapping[Key, Table]) -> tuple[dict[Key, Table], int]:
    """Return tables halved until they hold at most `MOST_NUMBERS`, and how often they were."""
    kept, times = dict(tables), 0
    while sum(table.numbers for table in kept.values()) > MOST_NUMBERS:
        kept, times = {key: table.halved() for key, table in kept.items()}, times + 1
    return kept, times
