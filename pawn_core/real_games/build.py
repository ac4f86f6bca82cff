"""Build a cache: read the files of a selection until there are enough games, and split them.

It goes on from the last commit of a build that ended early, wherever that was.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pawn_core.real_games.columns import DIGESTS
from pawn_core.real_games.games_cache import CacheState, CacheWriter, GamesCache
from pawn_core.real_games.progress import ReadingProgress, reading_progress
from pawn_core.real_games.reading.files import read_files
from pawn_core.real_games.reading.parts import Part
from pawn_core.real_games.reading.split import WantedGames, contained, split
from pawn_core.real_games.selection import Selection
from pawn_core.real_games.sources import GameFile
from pawn_core.signals import StopFlag

COMMIT_GAMES, COMMIT_S = 1 << 17, 10.0
"""A commit is due after as many games or seconds, whichever comes first."""

Streams = tuple[tuple[GameFile, ...], ...]
"""Files of games to train on and of games to hold out; alone, files of both."""


def build(
    cache: GamesCache,
    state: CacheState,
    streams: Streams,
    selection: Selection,
    excluded_g: NDArray[np.uint64],
    stop: StopFlag,
    say: Callable[[str], None],
) -> None:
    """Complete a cache from its state; `excluded_g`: digests of games to drop, ascending.

    Raises:
        ConfigError: a source cannot be read.
        Interrupted: the run was asked to stop; what has been read is committed.
        OSError: the cache cannot be written.
    """
    work = _Build(cache, state, streams, selection, excluded_g)
    try:
        with reading_progress(say) as progress:
            work.read(stop, progress)
        work.finish()
    finally:
        work.close()


class _Build:
    def __init__(
        self,
        cache: GamesCache,
        state: CacheState,
        streams: Streams,
        selection: Selection,
        excluded_g: NDArray[np.uint64],
    ) -> None:
        self._cache, self._streams, self._selection = cache, streams, selection
        self._excluded_g = excluded_g
        self._writer = CacheWriter(cache, state)
        place = state.place or {}
        self._stream: int = place.get("stream", 0)
        self._within: Any = place.get("within")
        self._before: Counter[str] = Counter(place.get("before"))
        self._report: Counter[str] = Counter(place.get("report"))
        self._trained_on: int = place.get("trained_on", 0)
        self._own_train_games: int | None = place.get("own_train_games")
        self._committed_at = time.monotonic()
        self._wanted = self._wanted_still()

    def read(self, stop: StopFlag, progress: ReadingProgress) -> None:
        """Read on until there are enough games, or no more."""
        for part in self._parts():
            self._add(part)
            report = self._before + self._report
            progress.tell(report["read"], self._writer.games, self._share(part))
            if stop.signal is not None or self._commit_due():
                self._commit()
            stop.check()

    def finish(self) -> None:
        """Split the games, and say that the cache is complete."""
        selection, digests_g = self._selection, self._digests_g()
        parts = split(digests_g, selection.max_games, selection.val_games, self._own_train_games)
        counts = self._counts() | {
            "duplicates": parts.duplicates,
            "in_training": parts.in_training,
            "train": parts.train_games,
            "val": len(parts.held_out),
        }
        self._writer.complete(counts, parts.train_games, parts.held_out)

    def close(self) -> None:
        self._writer.close()

    def _parts(self) -> Iterator[Part]:
        """Yield what is read of the streams, each as far as it is needed."""
        while True:
            if not self._enough():
                files = self._streams[self._stream]
                for part in read_files(files, self._selection, self._within):
                    yield part
                    if self._enough():
                        break
            if self._stream == len(self._streams) - 1:
                return
            self._turn_to_next()

    def _turn_to_next(self) -> None:
        """Go on with the stream of games to hold out."""
        self._own_train_games = self._writer.games
        self._wanted.end_training()
        self._stream, self._within = self._stream + 1, None
        self._before, self._report = self._before + self._report, Counter()

    def _enough(self) -> bool:
        trains_only = self._stream < len(self._streams) - 1
        return self._wanted.trains_enough if trains_only else self._wanted.enough

    def _add(self, part: Part) -> None:
        games = part.games
        if len(self._excluded_g):
            excluded_g = contained(games.digests_g, self._excluded_g)
            self._trained_on += int(excluded_g.sum())
            games = games.take(~excluded_g)
        if self._stream < len(self._streams) - 1:
            games = games.first(self._wanted.room)
        self._writer.append(games)
        self._wanted.add(games.digests_g)
        self._within, self._report = part.place, part.report

    def _share(self, part: Part) -> float | None:
        """Return how much of the work is done: of the games wanted, or else of the files."""
        return max(self._wanted.share, part.share or 0.0) or None

    def _commit_due(self) -> bool:
        games = self._writer.games - self._writer.state.games
        return games >= COMMIT_GAMES or time.monotonic() - self._committed_at >= COMMIT_S

    def _commit(self) -> None:
        place = {
            "stream": self._stream,
            "within": self._within,
            "before": dict(self._before),
            "report": dict(self._report),
            "trained_on": self._trained_on,
            "own_train_games": self._own_train_games,
        }
        self._writer.commit(place, self._counts())
        self._committed_at = time.monotonic()

    def _counts(self) -> dict[str, Any]:
        report = self._before + self._report
        report["trained_on"] = self._trained_on
        dropped = {k: n for k, n in report.items() if n and k not in ("read", "kept", "cut")}
        counts = {"read": report["read"], "kept": self._writer.games, "cut": report["cut"]}
        return counts | {"dropped": dropped}

    def _digests_g(self) -> NDArray[np.uint64]:
        self._writer.flush()
        return self._cache.map_columns(self._writer.games, self._writer.moves)[DIGESTS]

    def _wanted_still(self) -> WantedGames:
        """Return what is wanted beside what is committed."""
        wanted = WantedGames(self._selection.max_games, self._selection.val_games)
        digests_g = self._digests_g()
        train_games = len(digests_g) if self._own_train_games is None else self._own_train_games
        wanted.add(digests_g[:train_games])
        if self._own_train_games is not None:
            wanted.end_training()
            wanted.add(digests_g[train_games:])
        return wanted
