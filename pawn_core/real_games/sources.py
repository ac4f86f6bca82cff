"""Where games are read from, and what tells a source from what it was before."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pawn_core.config import ConfigError
from pawn_core.text_path import is_file, is_folder

PGN_SUFFIXES = (".pgn", ".pgn.zst", ".pgn.gz", ".pgn.bz2")
PARQUET_SUFFIX = ".parquet"
TRAIN, VALIDATION, TEST = "train", "validation", "test"
_SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
}
_SAMPLE_BYTES = 1 << 16


class GameFile(NamedTuple):
    """A file of games, perhaps not on this machine yet."""

    name: str
    fetch: Callable[[], Path]
    """Returns where it is on this machine; ConfigError where it cannot be had."""


Splits = dict[str, tuple[GameFile, ...]]
"""Files in order, by split; a source without splits of its own has all of them in TRAIN."""


class GamesSource(Protocol):
    """Files of games."""

    @property
    def facts(self) -> dict[str, Any]:
        """Return what tells its content from any other, as JSON, read anew each time."""
        ...

    @property
    def revision(self) -> str | None:
        """Return its commit on the hub."""
        ...

    def splits(self) -> Splits:
        """Return its files.

        Raises:
            ConfigError: they cannot be told.
        """
        ...


@dataclass(frozen=True)
class LocalSource:
    """A file, or the files of a folder and those below it, by name."""

    named: str
    root: Path
    names: tuple[str, ...]
    """Relative to the root; "." is the root itself."""
    revision: None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Return name, size, time and a sample of each file."""
        try:
            return {"files": [[name, *_signature(self.root / name)] for name in self.names]}
        except OSError as error:
            raise ConfigError(f"pgn {self.named!r} cannot be read: {error}") from None

    def splits(self) -> Splits:
        """Return the files, those of a folder of parquet shards by split."""
        files = [GameFile(name, lambda path=self.root / name: path) for name in self.names]
        parquet = len(files) > 1 and is_parquet(files[0].name)
        return by_split(files) if parquet else {TRAIN: tuple(files)}


def local_source(named: str) -> LocalSource | None:
    """Return the source that a path stands for; None where there is no such file or folder.

    Raises:
        ConfigError: a folder has no games, or games in two formats.
    """
    path = Path(named)
    if is_file(path):
        return LocalSource(named, path.parent, (path.name,))
    if not is_folder(path):
        return None
    names = [str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()]
    return LocalSource(named, path, tuple(game_files(named, names)))


def game_files(named: str, names: list[str]) -> list[str]:
    """Return those names that are files of games, sorted.

    Raises:
        ConfigError: none is, or they are of two formats.
    """
    pgn = sorted(name for name in names if name.lower().endswith(PGN_SUFFIXES))
    parquet = sorted(filter(is_parquet, names))
    if pgn and parquet:
        raise ConfigError(
            f"pgn {named!r} holds PGN files and parquet shards; name one of them, or a folder "
            "of one kind"
        )
    if not pgn and not parquet:
        allowed = ", ".join((*PGN_SUFFIXES, PARQUET_SUFFIX))
        raise ConfigError(f"pgn {named!r} holds no file that ends in {allowed}")
    return pgn or parquet


def is_parquet(name: str) -> bool:
    """Whether a file of this name is a parquet shard."""
    return name.lower().endswith(PARQUET_SUFFIX)


def by_split(files: list[GameFile]) -> Splits:
    """Return files by the split that their names tell; where none does, all are to train on.

    A part of the name, its folders among them, begins with the split: `data/train-00000.parquet`,
    `validation/part.parquet`. Files that tell no split beside others that do are left out.
    """
    splits: dict[str, list[GameFile]] = {}
    for file in files:
        split = _split_of(file.name)
        if split is not None:
            splits.setdefault(split, []).append(file)
    return {split: tuple(some) for split, some in splits.items()} or {TRAIN: tuple(files)}


def _split_of(name: str) -> str | None:
    for part in Path(name).parts:
        word = part.replace("-", ".").replace("_", ".").split(".")[0]
        if word in _SPLIT_NAMES:
            return _SPLIT_NAMES[word]
    return None


def _signature(path: Path) -> tuple[int, int, str]:
    """Return size, time of the last change in ns, and a digest of beginning, middle and end."""
    status, digest = path.stat(), sha256()
    with path.open("rb") as file:
        for begin in (0, status.st_size // 2, max(0, status.st_size - _SAMPLE_BYTES)):
            file.seek(begin)
            digest.update(file.read(_SAMPLE_BYTES))
    return status.st_size, status.st_mtime_ns, digest.hexdigest()
