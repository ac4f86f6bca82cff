"""Chess programs that search positions side by side, each in a thread of its own."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pawn_core.tasks.analysis.search_process import Line, SearchProcess

LINES = 5
"""Moves that are compared in each position."""
MATE_CP = 100_000
"""Mate at once, in centipawns: the evaluations of the published rows end at 1,000 pawns."""
_TRIES = 2


class Analysis(NamedTuple):
    """What a program found in a position."""

    lines: tuple[Line, ...]
    """Its best moves, the best first, with centipawns from the side to move; five at most."""


class AnalysisPool:
    """Programs that search to a depth; what they find in a position depends on nothing before it.

    A program that ends while it searches is started anew and asked again, once.

    Args:
        command: a path, or a name on the PATH or in /usr/games.
        depth: of each search, in plies.
        workers: programs at once.

    Raises:
        FileNotFoundError: there is no such program.
        RuntimeError: it speaks no UCI, or compares no moves.
    """

    def __init__(self, command: str, depth: int, workers: int) -> None:
        self._command, self._limit = command, f"depth {depth}"
        # A program ends with the thread that started it: each is started where it is used.
        self._threads = ThreadPoolExecutor(workers, "analysis")
        self._own = threading.local()
        self._started: set[SearchProcess] = set()
        self._lock = threading.Lock()
        self._closed = False
        try:
            self.program = self._threads.submit(lambda: self._process().name).result()
            """What the program calls itself, its version included."""
        except BaseException:
            self.close()
            raise

    def analyse(self, fens: Sequence[str]) -> list[Analysis | None]:
        """Return what was found in positions; None where the program ended twice over one."""
        return list(self._threads.map(self._analyse, fens))

    def close(self) -> None:
        """End the programs; positions that wait are given up."""
        with self._lock:
            self._closed = True
            for process in self._started:
                process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self._started:
            process.close()

    def _analyse(self, fen: str) -> Analysis | None:
        for _ in range(_TRIES):
            try:
                process = self._process()
                process.new_game()
                return _checked(process.search([], fen))
            except (RuntimeError, OSError, ValueError, IndexError):
                self._give_up()
        return None

    def _process(self) -> SearchProcess:
        """Return the program of this thread, started if need be.

        Raises:
            RuntimeError: the pool is closed.
        """
        if self._closed:
            raise RuntimeError("the pool is closed")
        process = getattr(self._own, "process", None)
        if process is None:
            process = self._own.process = self._start()
            if not process.compares:
                raise RuntimeError(f"{self._command!r} compares no moves: it has no MultiPV")
        return process

    def _start(self) -> SearchProcess:
        process = SearchProcess(self._command, LINES, self._limit, MATE_CP)
        with self._lock:
            if self._closed:
                process.kill()
            self._started.add(process)
        return process

    def _give_up(self) -> None:
        """End the program of this thread, if it has one."""
        process = getattr(self._own, "process", None)
        if process is not None:
            self._own.process = None
            with self._lock:
                self._started.discard(process)
            process.close()


def _checked(lines: list[Line]) -> Analysis:
    """Refuse an answer that compares nothing, as that to a finished game.

    Raises:
        ValueError: it has no moves.
    """
    if not all(4 <= len(line.uci) <= 5 for line in lines) or lines[0].uci == "0000":
        raise ValueError("no moves")
    return Analysis(tuple(lines))
