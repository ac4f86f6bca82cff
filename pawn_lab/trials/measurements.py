"""What was measured in a trial, metric by metric, read from its stream once.

The columns of a stream are kept beside its summary, with the place up to which they were read;
what came since is read on from there, and put to rest where it has become much or nothing more
comes. The latest streams that were asked for are held in memory, up to `MOST_BYTES`.
"""

import contextlib
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path

import numpy as np

from pawn_core.untrusted import open_file
from pawn_lab.documents import write_cache
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import streams
from pawn_lab.trials.column_files import ColumnFile, DamagedColumnsError, Head, document
from pawn_lab.trials.columns import KINDS, Key, Kind, Points, Table, UnsettledStream, bounded
from pawn_lab.trials.summaries import TokenCount

MOST_BYTES = 24 << 20
_PART_BYTES = 4 << 20
_WORTH_KEEPING_BYTES = 8 << 10
_GROWTH = 1.25
"""Of a stream that still grows since its columns were last kept."""
_SETTLED_S = 60.0
"""A stream to which nothing came for so long is likely to stay as it is."""
_MOST_NUMBERS_IN_MEMORY = 1 << 20
_NUMBER_BYTES = 12

_READINGS = 1 << 24

_lock = threading.RLock()


class Measurements:
    """A stream's columns: those at rest, and what came since."""

    def __init__(self, paths: TrialPaths, rest: ColumnFile) -> None:
        self._paths = paths
        self._rest = rest
        self._tail = _tail_after(rest.head)
        self.place = rest.head.place
        self.reading = rest.head.reading or secrets.randbelow(_READINGS) + 1
        """Another number where the stream, or its file, was made anew."""
        self.state: tuple[int, ...] | None = None

    @property
    def records(self) -> int:
        """How many records the stream has had."""
        return self._tail.records

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        return self._rest.weight + _NUMBER_BYTES * self._tail.numbers

    @property
    def halvings(self) -> int:
        """How often values were left out."""
        return self._rest.head.halvings

    def names(self, kind: Kind) -> dict[str, list[str]]:
        """Return the metrics of records of a kind by model."""
        found: dict[str, dict[str, None]] = {}
        for series in self._rest.head.series:
            if series.kind == kind:
                found.setdefault(series.model, {}).update(dict.fromkeys(series.columns))
        for (its, model), growing in list(self._tail.series.items()):  # another thread may add
            if its == kind:
                found.setdefault(model, {}).update(dict.fromkeys(growing.rows))
        return {model: list(names) for model, names in found.items()}

    def last_step(self, model: str) -> int | None:
        """Return the step of the last record of a model, or of none in particular."""
        steps = self._tail.steps
        return max((steps[name] for name in {model, ""} & steps.keys()), default=None)

    def tokens(self, model: str) -> TokenCount:
        """Return the count of a model's tokens."""
        return self._tail.tokens.get(model, TokenCount())

    def count(self, kind: Kind, model: str, name: str) -> int:
        """Return how many values of a metric of a model are kept."""
        keys: list[Key] = [(kind, own) for own in dict.fromkeys((model, ""))]
        stored = (self._rest.head.by_key.get(key) for key in keys)
        rest = sum(s.columns[name].values.count for s in stored if s and name in s.columns)
        growing = (self._tail.series.get(key) for key in keys)
        return rest + sum(len(g.rows[name]) for g in growing if g and name in g.rows)

    def tables(self, key: Key, names: Iterable[str], after: int, *, timed: bool) -> Iterator[Table]:
        """Yield the parts of a series: its records numbered higher."""
        if after < self._rest.head.records:
            table = self._rest.table(key, names, timed=timed)
            yield from [table] if table else []
        if key in self._tail.series:
            yield self._tail.series[key].table(names, after)

    def read_on(self, file: BufferedReader) -> None:
        """Take in what came to the stream, and keep the columns where that is worth it."""
        size, offset = os.fstat(file.fileno()).st_size, self.place.offset
        while offset < size:
            read, after = streams.records_from(self._paths, offset, _PART_BYTES)
            for record in read:
                self._tail.add(record)
            if after <= offset:
                break  # the rest is a line that is not whole yet
            offset = after
            self.place = streams.place_in(file, offset)
            if self._tail.numbers > _MOST_NUMBERS_IN_MEMORY:
                self._keep()
        if self._is_worth_keeping(time.time() - os.fstat(file.fileno()).st_mtime):
            self._keep()

    def _is_worth_keeping(self, quiet_s: float) -> bool:
        before, now = self._rest.head.place.offset, self.place.offset
        if now < before + _WORTH_KEEPING_BYTES:
            return False
        return quiet_s > _SETTLED_S or now >= _GROWTH * before

    def _keep(self) -> None:
        """Put what came to rest, in the file or, where it cannot be written, in memory."""
        whole = {key: self._whole(key) for key in self._keys()}
        tables, halvings = bounded(whole)
        tail, halvings = self._tail, self.halvings + halvings
        head = Head(self.place, self.reading, tail.records, halvings, tail.steps, tail.tokens)
        data = document(head, tables)
        write_cache(self._paths.columns, data)
        try:
            self._rest = ColumnFile.read(self._paths.columns, self._paths.root)
            is_ours = self._rest.head.place == self.place
        except (OSError, DamagedColumnsError):
            is_ours = False
        if not is_ours:
            self._rest = ColumnFile.of_bytes(data, self._paths.root)
        self._tail = _tail_after(self._rest.head)

    def _keys(self) -> list[Key]:
        return list(dict.fromkeys([*self._rest.head.by_key, *self._tail.series]))

    def _whole(self, key: Key) -> Table:
        rest = self._rest.table(key)
        if key not in self._tail.series:
            assert rest is not None, "a series lies in one of them"
            return rest
        came = self._tail.series[key].table()
        return rest.followed_by(came) if rest else came


def _tail_after(head: Head) -> UnsettledStream:
    return UnsettledStream(head.records, dict(head.steps), dict(head.tokens))


def points(
    paths: TrialPaths,
    kind: Kind,
    model: str,
    names: Iterable[str],
    after: int = 0,
    *,
    timed: bool = True,
) -> dict[str, Points]:
    """Return the values of metrics of a model, of the records numbered higher.

    Records of no model in particular are every model's. timed: with times and tokens, which else
    may be NaN.
    """
    with _lock:
        wanted = list(dict.fromkeys(names))
        try:
            return _points(latest(paths), kind, model, wanted, after, timed=timed)
        except DamagedColumnsError:
            return _points(_made_anew(paths), kind, model, wanted, after, timed=timed)


def moments(paths: TrialPaths, model: str, kinds: Sequence[Kind] = KINDS) -> Points:
    """Return the records of a model whose time is known, without values."""
    with _lock:
        try:
            return _moments(latest(paths), model, kinds)
        except DamagedColumnsError:
            return _moments(_made_anew(paths), model, kinds)


def _moments(measured: Measurements, model: str, kinds: Sequence[Kind]) -> Points:
    keys: list[Key] = [(kind, own) for own in dict.fromkeys((model, "")) for kind in kinds]
    parts = [table.moments() for key in keys for table in measured.tables(key, (), 0, timed=True)]
    joined = Points.joined(parts).in_order(0)
    return joined.at(~np.isnan(joined.time))


def _points(
    measured: Measurements, kind: Kind, model: str, names: list[str], after: int, *, timed: bool
) -> dict[str, Points]:
    parts = [
        table
        for own in dict.fromkeys((model, ""))
        for table in measured.tables((kind, own), names, after, timed=timed)
    ]
    joined = {name: Points.joined([table.points(name) for table in parts]) for name in names}
    return {name: found.in_order(after) for name, found in joined.items()}


def latest(paths: TrialPaths) -> Measurements:
    """Return what was measured in a trial, brought up to date; shared, and not to be changed."""
    with _lock:
        state = streams.state_of(paths.metrics)
        kept = _LATEST.get(paths.metrics)
        if kept is None or state is None or kept.state != state:
            kept = _brought_up_to_date(paths, kept)
            kept.state = state if state == streams.state_of(paths.metrics) else None
        _LATEST.keep(paths.metrics, kept)
        return kept


def unread_bytes(paths: TrialPaths) -> int:
    """Return about how many bytes of a stream are to be read before its columns are up to date."""
    with _lock:
        kept = _LATEST.get(paths.metrics)
        before = (kept.place if kept else _kept(paths).head.place).offset
    with contextlib.suppress(OSError):
        return max(0, paths.metrics.lstat().st_size - before)
    return 0


class _Latest:
    """The streams that were asked for last, up to `MOST_BYTES`."""

    def __init__(self) -> None:
        self.held: OrderedDict[Path, Measurements] = OrderedDict()
        self._weights: dict[Path, int] = {}
        self.weight = 0

    def get(self, stream: Path) -> Measurements | None:
        return self.held.get(stream)

    def keep(self, stream: Path, measured: Measurements) -> None:
        self.drop(stream)
        self.held[stream], self._weights[stream] = measured, measured.weight
        self.weight += self._weights[stream]
        while self.weight > MOST_BYTES and len(self.held) > 1:
            self.drop(next(iter(self.held)))

    def drop(self, stream: Path) -> None:
        self.held.pop(stream, None)
        self.weight -= self._weights.pop(stream, 0)


_LATEST = _Latest()


def _made_anew(paths: TrialPaths) -> Measurements:
    paths.columns.unlink(missing_ok=True)
    _LATEST.drop(paths.metrics)
    return latest(paths)


def _brought_up_to_date(paths: TrialPaths, kept: Measurements | None) -> Measurements:
    try:
        with os.fdopen(open_file(paths.metrics, paths.outer), "rb") as file:
            return _read_on(paths, file, kept)
    except OSError:
        return _nothing(paths)


def _read_on(paths: TrialPaths, file: BufferedReader, kept: Measurements | None) -> Measurements:
    measured = kept or Measurements(paths, _kept(paths))
    if not streams.goes_on(file, measured.place):
        measured = _nothing(paths)
    try:
        measured.read_on(file)
    except DamagedColumnsError:
        measured = _nothing(paths)
        measured.read_on(file)
    return measured


def _kept(paths: TrialPaths) -> ColumnFile:
    try:
        return ColumnFile.read(paths.columns, paths.root)
    except (OSError, DamagedColumnsError):
        return _EMPTY


def _nothing(paths: TrialPaths) -> Measurements:
    return Measurements(paths, _EMPTY)


_EMPTY = ColumnFile(Head(), 0, b"", Path())
