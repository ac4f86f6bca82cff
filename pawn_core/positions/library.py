"""A folder of positions, open: all of its columns in memory, about 150 bytes a position.

Shapes: n positions.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pawn_core.config import ConfigError
from pawn_core.positions.domains import domain_of
from pawn_core.positions.manifest import (
    SHARDS,
    SUFFIX,
    TRAIN,
    VAL,
    DamagedPositionsError,
    ShardManifest,
)
from pawn_core.positions.records import PositionColumns
from pawn_core.positions.shard_files import read_shard


@dataclass(frozen=True)
class PositionSet:
    """The positions on one side of the split."""

    columns: PositionColumns
    sources: tuple[str, ...]
    """The tags of the folder's sources, in the order of the alphabet."""
    sources_n: NDArray[np.int64]
    """Each position's source, as a place in `sources`."""

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.columns)

    @cached_property
    def rows_by_domain(self) -> dict[str, NDArray[np.int64]]:
        """The positions of each domain that has some."""
        domains = np.array([domain_of(source) for source in self.sources], np.str_)
        domains_n = domains[self.sources_n]
        return {str(name): np.flatnonzero(domains_n == name) for name in np.unique(domains_n)}

    def sample(self, count: int) -> NDArray[np.int64]:
        """Return up to `count` positions, of every source about as many, always the same.

        Of each source it takes those of the smallest digests, in the order of the digests.
        """
        order = np.lexsort((self.columns.keys_n, self.sources_n))
        counts = np.bincount(self.sources_n, minlength=len(self.sources))
        ranks = np.concatenate([np.arange(n) for n in counts]) if len(self) else order
        return order[np.lexsort((self.sources_n[order], ranks))][:count]


@dataclass(frozen=True)
class PositionLibrary:
    """What a folder has."""

    folder: Path
    manifest: ShardManifest
    train: PositionSet
    val: PositionSet
    notices: tuple[str, ...] = ()
    """What was found and does not count."""

    @classmethod
    def open(cls, folder: Path, *, verify: bool = True) -> "PositionLibrary":
        """Read a folder, comparing every shard with its hash.

        Raises:
            ConfigError: it is no folder of positions.
            DamagedPositionsError: a shard is missing or damaged, or both sides of the split have
                the same game or position.
        """
        manifest = ShardManifest.read(folder)
        train, val = (_read(folder, manifest, split, verify=verify) for split in (TRAIN, VAL))
        if verify:
            _check_apart(folder, train.columns, val.columns)
        return cls(folder, manifest, train, val, tuple(_unlisted(folder, manifest)))

    @property
    def sources(self) -> tuple[str, ...]:
        """The tags of its sources, in the order of the alphabet."""
        return self.train.sources

    @property
    def digest(self) -> str:
        """SHA-256 that tells these positions from any others."""
        return self.manifest.digest


def _read(folder: Path, manifest: ShardManifest, split: str, *, verify: bool) -> PositionSet:
    shards = manifest.shards_of(split)
    parts = [read_shard(folder, shard, verify=verify) for shard in shards]
    sources = tuple(sorted({shard.source for shard in manifest.shards}))
    places = [sources.index(shard.source) for shard in shards]
    sources_n = np.repeat(np.array(places, np.int64), [len(part) for part in parts])
    return PositionSet(PositionColumns.joined([*parts, PositionColumns.none()]), sources, sources_n)


def _check_apart(folder: Path, train: PositionColumns, val: PositionColumns) -> None:
    for name, of_train, of_val in (
        ("games", train.games_n, val.games_n),
        ("positions", train.orbits_n, val.orbits_n),
    ):
        if shared := len(np.intersect1d(of_train, of_val)):
            raise DamagedPositionsError(
                f"{folder} trains on {shared} of the {name} that it holds out; "
                "make it anew with scripts/make_positions.py"
            )


def _unlisted(folder: Path, manifest: ShardManifest) -> list[str]:
    listed = {shard.file for shard in manifest.shards}
    names = sorted(path.name for path in (folder / SHARDS).glob(f"*{SUFFIX}"))
    return [
        f"{folder / SHARDS / name} is not in the manifest and does not count"
        for name in names
        if name not in listed
    ]


def require_positions(library: PositionLibrary) -> None:
    """Refuse a folder that cannot be both trained on and validated on.

    Raises:
        ConfigError: one side of the split is empty.
    """
    for name, side in ((TRAIN, library.train), (VAL, library.val)):
        if not len(side):
            raise ConfigError(
                f"positions '{library.folder}' has none on the side '{name}' of the split; "
                f"it holds out {library.manifest.val_share} of its games"
            )
