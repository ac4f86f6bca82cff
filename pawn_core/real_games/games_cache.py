"""A cache of games: columns that only grow, and a state that says which of it counts.

What is committed is on the disk before the state that tells of it replaces the one before; whoever
is killed between two commits loses what came after the first. A cache is built by whoever holds its
lock. Columns of a complete one never change: a damaged one is replaced by new files, while readers
keep the old ones.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pawn_core.config import ConfigError
from pawn_core.durable import make_directory, replace_file, sync_file
from pawn_core.real_games.columns import COLUMN_FILES, Columns
from pawn_core.signals import StopFlag
from pawn_core.untrusted import parse_object
from pawn_core.user_cache import in_user_cache

VARIABLE = "PAWN_GAMES_CACHE"
HELD_OUT = "held_out"
"""File of the numbers of the games held out, ascending, int64; of a complete cache."""
_STATE, _LOCK = "state.json", "lock"
_LOOK_AGAIN_S, _SAY_AGAIN_S = 0.2, 10.0


class DamagedCacheError(Exception):
    """A cache does not hold what its state says."""


@dataclass(frozen=True)
class Commit:
    """Games that were added at once."""

    games: int
    moves: int
    sha256: str
    """Of the SHA-256 of the bytes that it added to each column."""


@dataclass
class CacheState:
    """What a cache holds, and where reading goes on."""

    facts: dict[str, Any]
    """What its key was made of, for people."""
    commits: list[Commit] = field(default_factory=list)
    place: dict[str, Any] | None = None
    """Where reading goes on; None: at the beginning."""
    counts: dict[str, Any] = field(default_factory=dict)
    complete: bool = False
    train_games: int = 0
    """The first games of a complete cache, which are trained on."""
    held_out_sha256: str = ""

    @property
    def games(self) -> int:
        """Games that are committed."""
        return sum(commit.games for commit in self.commits)

    @property
    def moves(self) -> int:
        """Their moves."""
        return sum(commit.moves for commit in self.commits)


def cache_root() -> Path:
    """Return where caches are: `$PAWN_GAMES_CACHE`, else below the user's cache folder."""
    return in_user_cache("games", VARIABLE)


class GamesCache:
    """The folder of one key."""

    def __init__(self, key: str) -> None:
        self.folder = cache_root() / key

    @contextlib.contextmanager
    def locked(self, stop: StopFlag, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the cache's lock; wait for another process that does, and say so."""
        make_directory(self.folder)
        with (self.folder / _LOCK).open("a+b") as lock:
            said = -float("inf")
            while not _try_lock(lock):
                stop.check()
                if time.monotonic() - said > _SAY_AGAIN_S:
                    said = time.monotonic()
                    say(f"real games: waiting for process {_owner(lock)}, which reads them")
                time.sleep(_LOOK_AGAIN_S)
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
            lock.flush()
            yield

    def state(self) -> CacheState | None:
        """Return what the cache holds; None: nothing yet.

        Raises:
            DamagedCacheError: its state cannot be read.
        """
        path = self.folder / _STATE
        try:
            document = parse_object(path.read_bytes(), path)
            state, digest = document["state"], document["sha256"]
            if sha256(_text(state)).hexdigest() != digest:
                raise ValueError("it does not match its SHA-256")
            commits = [Commit(**commit) for commit in state["commits"]]
            return CacheState(**state | {"commits": commits})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise DamagedCacheError(f"{path}: {error}") from None

    def verify(self, state: CacheState) -> Iterator[int]:
        """Compare all that is committed with its checksums; yield how many games were so far.

        Raises:
            DamagedCacheError: a file is not what was written.
        """
        games = moves = 0
        for commit in state.commits:
            digest = sha256()
            for file in COLUMN_FILES:
                begin = file.size(games, moves)
                end = file.size(games + commit.games, moves + commit.moves)
                digest.update(_digest_of(self.folder / file.name, begin, end))
            games, moves = games + commit.games, moves + commit.moves
            if digest.hexdigest() != commit.sha256:
                raise DamagedCacheError(f"{self.folder}: games before number {games} are damaged")
            yield games
        if state.complete:
            path = self.folder / HELD_OUT
            if _digest_of(path, 0, None).hex() != state.held_out_sha256:
                raise DamagedCacheError(f"{path} is damaged")

    def clear(self) -> None:
        """Remove all but the lock; who has mapped a file keeps it."""
        for path in self.folder.iterdir():
            if path.name != _LOCK:
                path.unlink()
        sync_file(self.folder)

    def map_columns(self, games: int, moves: int) -> dict[str, NDArray[Any]]:
        """Return the columns of the first games, memory-mapped."""
        return {file.name: file.map(self.folder, games, moves) for file in COLUMN_FILES}

    def held_out(self) -> NDArray[np.int64]:
        """Return the numbers of a complete cache's games that are held out."""
        return np.fromfile(self.folder / HELD_OUT, "<i8")


class CacheWriter:
    """Adds games behind those that are committed."""

    def __init__(self, cache: GamesCache, state: CacheState) -> None:
        """Cut off what was written and never committed."""
        self._folder, self.state = cache.folder, state
        for partial in self._folder.glob(f".{_STATE}.*.tmp"):
            partial.unlink()
        self.games, self.moves = state.games, state.moves
        self._files = {file.name: self._open(file.name) for file in COLUMN_FILES}
        for file in COLUMN_FILES:
            self._files[file.name].truncate(file.size(self.games, self.moves))
        self._digests = {file.name: sha256() for file in COLUMN_FILES}

    def append(self, games: Columns) -> None:
        """Add games to the next commit."""
        for name, values in games.files(self.moves).items():
            data = values.reshape(-1).view(np.uint8).data
            self._files[name].write(data)
            self._digests[name].update(data)
        self.games += len(games)
        self.moves += len(games.tokens_m)

    def flush(self) -> None:
        """Let other readers of the files see what was added."""
        for file in self._files.values():
            file.flush()

    def commit(self, place: dict[str, Any] | None, counts: dict[str, Any]) -> None:
        """Force what was added to the disk, and after it the state."""
        self.flush()
        for file in self._files.values():
            os.fsync(file.fileno())
        if self.games > self.state.games:
            self.state.commits.append(self._commit())
        self.state.place, self.state.counts = place, counts
        state = asdict(self.state)
        document = {"state": state, "sha256": sha256(_text(state)).hexdigest()}
        replace_file(self._folder / _STATE, _text(document) + b"\n")

    def complete(
        self, counts: dict[str, Any], train_games: int, held_out: NDArray[np.int64]
    ) -> None:
        """Commit the last games, and say which are trained on and which are held out."""
        data = held_out.astype("<i8").tobytes()
        replace_file(self._folder / HELD_OUT, data)
        self.state.train_games, self.state.complete = train_games, True
        self.state.held_out_sha256 = sha256(data).hexdigest()
        self.commit(None, counts)

    def close(self) -> None:
        """Give up the files; what was not committed does not count."""
        for file in self._files.values():
            with contextlib.suppress(OSError):  # a full disk, which has been told of
                file.close()

    def _open(self, name: str) -> BinaryIO:
        return (self._folder / name).open("ab")

    def _commit(self) -> Commit:
        digest = sha256(b"".join(d.digest() for d in self._digests.values())).hexdigest()
        self._digests = {file.name: sha256() for file in COLUMN_FILES}
        before = self.state
        return Commit(self.games - before.games, self.moves - before.moves, digest)


@contextlib.contextmanager
def cache_errors(cache: GamesCache) -> Iterator[None]:
    """Turn what the disk says into what to do about it."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"the cache of real games in {cache.folder} cannot be used: {error.strerror or error}; "
            f"make room there, or set {VARIABLE} to another folder (what has been read stays)"
        ) from None


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _try_lock(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(lock: BinaryIO) -> str:
    lock.seek(0)
    return lock.read(20).decode("ascii", "replace") or "?"


def _digest_of(path: Path, begin: int, end: int | None) -> bytes:
    """Return the SHA-256 of some of a file's bytes; of fewer where it is shorter."""
    digest, at = sha256(), begin
    try:
        with path.open("rb") as file:
            file.seek(begin)
            while at != end and (data := file.read(min(1 << 20, (end or at + (1 << 20)) - at))):
                digest.update(data)
                at += len(data)
    except FileNotFoundError:
        raise DamagedCacheError(f"{path} is gone") from None
    return digest.digest()
