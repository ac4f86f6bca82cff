"""Add a source's labelled positions to a folder.

What is committed is on the disk before the manifest that lists it replaces the one before; whoever
is killed loses what came after the last commit, and goes on from its `place`. A position that its
source has already is dropped, and one that is on the other side of the split, whatever its source:
who comes first stays.
"""

import contextlib
import fcntl
from collections import Counter
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pawn_core.config import ConfigError
from pawn_core.durable import make_directory, sync_file
from pawn_core.positions.domains import domain_of
from pawn_core.positions.identity import is_held_out
from pawn_core.positions.manifest import (
    LOCK,
    MANIFEST,
    SHARDS,
    SUFFIX,
    TRAIN,
    VAL,
    Shard,
    ShardManifest,
    SourceRecord,
)
from pawn_core.positions.records import LabelledPosition, PositionColumns
from pawn_core.positions.shard_files import file_stem, read_shard, write_shard

SHARD_POSITIONS = 1 << 15
_AT_ONCE = 1 << 12
_SIDES = (TRAIN, VAL)


class ShardWriter:
    """Adds positions of a source; used as a context manager.

    Nothing counts before `commit`. Positions are checked by the engine as they are added, some
    thousands at once.
    """

    def __init__(
        self,
        folder: Path,
        source: str,
        made_by: dict[str, Any] | None = None,
        val_share: float = 0.05,
    ) -> None:
        """Open a folder, made where there is none, for whoever adds to it alone.

        Args:
            source: the tag of the positions, such as `stockfish:openings` or `external:pgn`.
            made_by: command, versions of engine and program, options; kept in the manifest.
            val_share: how much of all games is held out; of a folder that is there, its own.

        Raises:
            ConfigError: the source is of no domain, another process adds to the folder, or its
                share of games held out is another.
            DamagedPositionsError: what is there is damaged.
        """
        domain_of(source)
        self._folder, self.source = folder, source
        make_directory(folder / SHARDS)
        with contextlib.ExitStack() as stack:
            self._lock = stack.enter_context((folder / LOCK).open("a+b"))
            _lock(self._lock, folder)
            self._manifest = _opened(folder, val_share)
            self._record = self._manifest.sources.setdefault(source, SourceRecord())
            if made_by is not None and made_by not in self._record.made_by[-1:]:
                self._record.made_by.append(made_by)
            self._remove_uncommitted()
            self._known = _Known(folder, self._manifest, source)
            self._held = stack.pop_all()
        self.counts = Counter(self._record.counts)
        """Positions `kept`, and those dropped by reason; whoever adds may count reasons too."""
        self._records: list[LabelledPosition] = []
        self._added: dict[str, list[PositionColumns]] = {side: [] for side in _SIDES}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def place(self) -> Any:
        """Where the maker goes on, as it was committed last; None: at the beginning."""
        return self._record.place

    @property
    def positions(self) -> int:
        """How many of the source's positions are kept, those not yet committed among them."""
        self._take_in()
        return self.counts["kept"]

    def add(self, position: LabelledPosition) -> None:
        """Add a position.

        Raises:
            ValueError: this one or one shortly before is no legal position, or a move of its policy
                is not legal in it.
        """
        self._records.append(position)
        if len(self._records) >= _AT_ONCE:
            self._take_in()

    def commit(self, place: Any = None) -> None:
        """Force what was added to the disk, and with it where its maker goes on: any JSON value."""
        self._take_in()
        replaced = [old for side in _SIDES for old in self._write(side)]
        self._record.place, self._record.counts = place, dict(self.counts)
        self._manifest.write(self._folder)
        for shard in replaced:
            (self._folder / SHARDS / shard.file).unlink(missing_ok=True)

    def close(self) -> None:
        """Give up the folder; what was not committed does not count."""
        self._held.close()

    def _take_in(self) -> None:
        """Keep of the positions that were added those that are new."""
        records, self._records = self._records, []
        if not records:
            return
        columns = PositionColumns.of(records)
        held_out_n = is_held_out(columns.games_n, self._manifest.val_share)
        duplicate_n, other_side_n = self._known.refuse(columns, held_out_n)
        kept_n = ~duplicate_n & ~other_side_n
        self.counts["kept"] += int(kept_n.sum())
        self.counts["duplicate"] += int(duplicate_n.sum())
        self.counts["on the other side of the split"] += int(other_side_n.sum())
        for side, on_side_n in ((TRAIN, ~held_out_n), (VAL, held_out_n)):
            rows = np.flatnonzero(kept_n & on_side_n)
            if len(rows):
                self._added[side].append(columns.take(rows))

    def _write(self, side: str) -> list[Shard]:
        """Write what was added on a side behind what its last shard has; return that if so."""
        added, self._added[side] = self._added[side], []
        if not added:
            return []
        shards = self._manifest.shards_of(side, self.source)
        replaced = [shard for shard in shards[-1:] if shard.positions < SHARD_POSITIONS]
        before = [read_shard(self._folder, shard) for shard in replaced]
        columns = PositionColumns.joined([*before, *added])
        number = len(shards) - len(replaced)
        kept = [shard for shard in self._manifest.shards if shard not in replaced]
        for first in range(0, len(columns), SHARD_POSITIONS):
            rows = np.arange(first, min(first + SHARD_POSITIONS, len(columns)))
            part = columns.take(rows)
            kept.append(write_shard(self._folder, self.source, side, number, part))
            number += 1
        self._manifest.shards = kept
        return replaced

    def _remove_uncommitted(self) -> None:
        """Remove files of this source that were written and never listed, and parts of any."""
        folder, listed = self._folder / SHARDS, {shard.file for shard in self._manifest.shards}
        stem = file_stem(self.source)
        own = [path for side in _SIDES for path in folder.glob(f"{stem}-{side}-*{SUFFIX}")]
        partial = [*folder.glob(".*.tmp"), *self._folder.glob(f".{MANIFEST}.*.tmp")]
        for path in [*partial, *(path for path in own if path.name not in listed)]:
            path.unlink()
        sync_file(folder)


class _Known:
    """The digests of what a folder has and of what was added since, each in ascending order."""

    def __init__(self, folder: Path, manifest: ShardManifest, source: str) -> None:
        keys: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        orbits = {held_out: [np.empty(0, np.int64)] for held_out in (False, True)}
        for shard in manifest.shards:
            columns = read_shard(folder, shard)
            orbits[shard.split == VAL].append(columns.orbits_n)
            if shard.source == source:
                keys.append(columns.keys_n)
        self._keys = np.unique(np.concatenate(keys))
        self._orbits = {side: np.unique(np.concatenate(parts)) for side, parts in orbits.items()}

    def refuse(
        self, columns: PositionColumns, held_out_n: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which positions are duplicates, and which are on the other side of the split.

        It is what would be, were they taken one by one.
        """
        orbits, first_n, orbit_n = np.unique(
            columns.orbits_n, return_index=True, return_inverse=True
        )
        side_o = held_out_n[first_n]
        side_o[_is_in(orbits, self._orbits[False])] = False
        side_o[_is_in(orbits, self._orbits[True])] = True
        other_side_n = held_out_n != side_o[orbit_n]
        rows = np.flatnonzero(~other_side_n)
        keys, first = np.unique(columns.keys_n[rows], return_index=True)
        fresh = first[~_is_in(keys, self._keys)]
        duplicate_n = ~other_side_n
        duplicate_n[rows[fresh]] = False
        self._keys = _merged(self._keys, keys)
        for side in (False, True):
            self._orbits[side] = _merged(self._orbits[side], orbits[side_o == side])
        return duplicate_n, other_side_n


def _merged(ascending: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return both in ascending order, each number once."""
    more = more[~_is_in(more, ascending)]
    return np.insert(ascending, np.searchsorted(ascending, more), more)


def _opened(folder: Path, val_share: float) -> ShardManifest:
    if not 0.0 <= val_share < 1.0:
        raise ConfigError(f"val_share {val_share} is out of range; allowed: 0 to below 1")
    if not (folder / MANIFEST).exists():
        return ShardManifest(val_share)
    manifest = ShardManifest.read(folder)
    if manifest.val_share != val_share:
        raise ConfigError(
            f"val_share {val_share} is not that of {folder}, which holds out {manifest.val_share} "
            "of its games; allowed there: the same"
        )
    return manifest


def _lock(lock: Any, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(f"another process adds to {folder}; wait until it has ended") from None


def _is_in(digests: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which digests are among others, without sorting these again."""
    places = np.searchsorted(ascending, digests)
    found = ascending[np.minimum(places, len(ascending) - 1)] if len(ascending) else digests + 1
    return found == digests
