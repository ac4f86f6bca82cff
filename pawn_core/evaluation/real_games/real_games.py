"""Real games for an evaluation, from PGN files: which count, and why the others do not.

Shapes: b games, p plies.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from pathlib import Path

import numpy as np
from chess_engine import PgnGames, PgnReader
from numpy.typing import NDArray

from pawn_core.text_path import is_file, is_folder

MOST_PLIES = 1024
"""Longer games are dropped and counted."""
_SUFFIXES = (".pgn", ".pgn.zst", ".pgn.gz", ".pgn.bz2")


@dataclass(frozen=True)
class RealGames:
    """Games as columns."""

    tokens_bp: NDArray[np.int16]
    lengths_b: NDArray[np.int32]
    outcomes_b: NDArray[np.int16]
    """Outcome token, -1 where the vocabulary has none for it."""
    elos_b: NDArray[np.float64]
    """Mean Elo of the players, NaN where one is unknown."""
    digests_b: NDArray[np.uint64]
    """Of the moves alone."""

    def __len__(self) -> int:
        """Return the number of games."""
        return len(self.lengths_b)

    def take(self, chosen: NDArray[np.bool_] | slice) -> "RealGames":
        """Return some of the games."""
        return RealGames(*(getattr(self, f.name)[chosen] for f in fields(self)))


def pgn_files(pgn: str) -> list[Path]:
    """Return the file, or the PGN files of the folder and those below it, by name.

    Raises:
        FileNotFoundError: there is no such file or folder, or none in it.
    """
    path = Path(pgn)
    if is_file(path):
        return [path]
    if not is_folder(path):
        raise FileNotFoundError(f"there is no file or folder {pgn}")
    files = [file for file in path.rglob("*") if file.name.endswith(_SUFFIXES) and file.is_file()]
    if not files:
        raise FileNotFoundError(f"{pgn} holds no file that ends in {', '.join(_SUFFIXES)}")
    return sorted(files)


@dataclass
class Selection:
    """The first games of some files that may be used."""

    files: list[Path]
    vocabulary: str
    most: int
    longer_than: int
    """Plies; games of as many or fewer have nothing to predict."""
    with_outcome: bool
    """Whether games without an outcome token are of no use."""
    elo_min: int | None = None
    elo_max: int | None = None
    """Both players within [elo_min, elo_max)."""
    trained_on: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    """Digests of games that are not to be used, ascending."""
    dropped: "Counter[str]" = field(default_factory=Counter)
    """Games read so far that may not be used, by the first reason that applies."""

    def batches(self, size: int) -> Iterator[RealGames]:
        """Yield the games, so many at a time, in the order of the files; once.

        Raises:
            OSError: a file cannot be read or decompressed.
        """
        waiting, used = [], 0
        for games in self._usable():
            games = games.take(slice(self.most - used))
            used += len(games)
            waiting.append(games)
            *whole, rest = _split(_joined(waiting), size)
            yield from whole
            waiting = [rest]
            if used == self.most:
                break
        if waiting and len(waiting[0]):
            yield waiting[0]

    def _usable(self) -> Iterator[RealGames]:
        for file in self.files:
            reader = _reader(file, self.vocabulary)
            before: Counter[str] = Counter()
            for read in reader:
                before = self._count(read.report, before)
                yield self._chosen(read)
            self._count(reader.report, before)

    def _count(self, report: dict[str, int], before: "Counter[str]") -> "Counter[str]":
        """Count what the reader has dropped since its report before."""
        now = Counter({k: n for k, n in report.items() if k not in ("read", "kept")})
        self.dropped += now - before
        return now

    def _chosen(self, read: PgnGames) -> RealGames:
        games, kept_b = _columns(read), np.ones(len(read.lengths), dtype=np.bool_)
        for reason, bad_b in self._reasons(read, games):
            self.dropped[reason] += int((kept_b & bad_b).sum())
            kept_b &= ~bad_b
        return games.take(kept_b)

    def _reasons(self, read: PgnGames, games: RealGames) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        yield "too_short", games.lengths_b <= self.longer_than
        low_b = np.minimum(read.white_elo, read.black_elo)
        high_b = np.maximum(read.white_elo, read.black_elo)
        if self.elo_min is not None or self.elo_max is not None:
            yield "elo_unknown", low_b < 0
        if self.elo_min is not None:
            yield "elo", low_b < self.elo_min
        if self.elo_max is not None:
            yield "elo", high_b >= self.elo_max
        if self.with_outcome:
            yield "no_outcome", games.outcomes_b < 0
        yield "trained_on", np.isin(games.digests_b, self.trained_on)


def digests_of(files: list[Path], vocabulary: str) -> NDArray[np.uint64]:
    """Return the digests of all games of some files, ascending.

    Raises:
        OSError: a file cannot be read or decompressed.
    """
    parts = [np.empty(0, np.uint64)]
    for file in files:
        parts.extend(_digests(read) for read in _reader(file, vocabulary))
    return np.unique(np.concatenate(parts))


def _columns(read: PgnGames) -> RealGames:
    rated_b = (read.white_elo >= 0) & (read.black_elo >= 0)
    mean_b = (read.white_elo.astype(np.float64) + read.black_elo) / 2
    return RealGames(
        read.tokens,
        read.lengths,
        read.outcomes,
        elos_b=np.where(rated_b, mean_b, np.nan),
        digests_b=_digests(read),
    )


def _digests(read: PgnGames) -> NDArray[np.uint64]:
    """Return 64 bits of BLAKE2b of each game's moves."""
    games = zip(read.tokens, read.lengths, strict=True)
    digests = b"".join(
        blake2b(tokens[:length].tobytes(), digest_size=8).digest() for tokens, length in games
    )
    return np.frombuffer(digests, dtype=np.uint64)


def _reader(file: Path, vocabulary: str) -> PgnReader:
    return PgnReader(file, max_ply=MOST_PLIES, vocabulary=vocabulary, annotations=False)


def _joined(parts: list[RealGames]) -> RealGames:
    names = [f.name for f in fields(RealGames)]
    return RealGames(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))


def _split(games: RealGames, size: int) -> list[RealGames]:
    """Return whole parts of so many games, and last what is left, perhaps nothing."""
    ends = range(0, len(games) + 1, size)
    return [games.take(slice(begin, begin + size)) for begin in ends]
