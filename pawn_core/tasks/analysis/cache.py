"""What chess programs found, on disk: one database that several processes share.

A row that does not match its checksum counts as missing, and is written anew. A file that is no
database any more is put aside.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from zlib import crc32

import apsw

from pawn_core.config import ConfigError
from pawn_core.tasks.analysis.pool import Analysis
from pawn_core.tasks.analysis.search_process import Line
from pawn_core.user_cache import in_user_cache

VARIABLE = "PAWN_ANALYSIS_CACHE"
_WAIT_MS = 30_000
_DAMAGED = (apsw.CorruptError, apsw.NotADBError)
_TABLE = """
    CREATE TABLE IF NOT EXISTS analyses (
        program TEXT, position TEXT, lines TEXT NOT NULL, checksum INTEGER NOT NULL,
        PRIMARY KEY (program, position)
    ) WITHOUT ROWID
"""
_READ = "SELECT lines, checksum FROM analyses WHERE program = ? AND position = ?"
_WRITE = "INSERT OR REPLACE INTO analyses VALUES (?, ?, ?, ?)"


def default_cache() -> Path:
    """Return where the cache is: `$PAWN_ANALYSIS_CACHE`, else below the user's cache folder."""
    return in_user_cache("analyses.sqlite", VARIABLE)


class AnalysisCache:
    """The analyses of one program and depth.

    Args:
        path: the file, made where it is missing.
        program: name and version, depth and all else that decides what is found.
        say: told what became of a damaged file, and once of a disk that is full.

    Raises:
        ConfigError: there can be no file.
    """

    def __init__(self, path: Path, program: str, say: Callable[[str], None]) -> None:
        self._path, self._program, self._say = path, program, say
        self._lock = threading.Lock()
        self._writes = True
        self.damaged = 0
        """Rows that did not match their checksum."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._opened()
        except (OSError, apsw.Error) as error:
            raise ConfigError(
                f"analysis_cache {str(path)!r} cannot be used: {error}; allowed: a file that can "
                f"be written, which {VARIABLE} names too"
            ) from None

    def read(self, positions: Sequence[str]) -> dict[str, Analysis]:
        """Return what is known of positions."""
        known: dict[str, Analysis] = {}
        with self._lock, self._mended():
            for position in positions:
                for lines, checksum in self._database.execute(_READ, (self._program, position)):
                    if checksum == self._checksum(position, lines):
                        known[position] = _parsed(lines)
                    else:
                        self.damaged += 1
        return known

    def write(self, analyses: Mapping[str, Analysis]) -> None:
        """Add what was found in positions; where there is no room, go on without."""
        rows = [self._row(position, found) for position, found in analyses.items()]
        if not self._writes or not rows:
            return
        try:
            with self._lock, self._mended(), self._database:
                self._database.executemany(_WRITE, rows)
        except apsw.Error as error:
            self._writes = False
            self._say(f"analyses are not kept in {self._path} any more: {error}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _opened(self) -> apsw.Connection:
        try:
            return _connected(self._path)
        except _DAMAGED:
            self._put_aside()
            return _connected(self._path)

    @contextlib.contextmanager
    def _mended(self) -> Iterator[None]:
        """Begin a new file where the present one turns out to be damaged."""
        try:
            yield
        except _DAMAGED:
            self._database.close(True)
            self._put_aside()
            self._database = _connected(self._path)

    def _put_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged")
        with contextlib.suppress(FileNotFoundError):  # another process did
            self._path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._say(f"{self._path} is damaged: it is now {aside.name}, and a new one is begun")

    def _row(self, position: str, found: Analysis) -> tuple[str, str, str, int]:
        lines = " ".join(f"{line.uci} {line.centipawns}" for line in found.lines)
        return self._program, position, lines, self._checksum(position, lines)

    def _checksum(self, position: str, lines: str) -> int:
        return crc32(f"{self._program}|{position}|{lines}".encode())


def _connected(path: Path) -> apsw.Connection:
    database = apsw.Connection(str(path))
    try:
        database.set_busy_timeout(_WAIT_MS)
        database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        database.execute(_TABLE)
    except BaseException:
        database.close(True)
        raise
    return database


def _parsed(lines: str) -> Analysis:
    words = lines.split()
    pairs = zip(words[::2], words[1::2], strict=True)
    return Analysis(tuple(Line(uci, int(centipawns)) for uci, centipawns in pairs))
