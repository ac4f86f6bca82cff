"""Analyses of positions by a chess program, each searched once and kept on disk."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence

import chess_engine

from pawn_core.config import ConfigError
from pawn_core.programs import STOCKFISH
from pawn_core.tasks.analysis.cache import AnalysisCache, default_cache
from pawn_core.tasks.analysis.pool import LINES, Analysis, AnalysisPool
from pawn_core.tasks.settings import TaskSettings

_LOG = logging.getLogger("pawn_core")
_AT_ONCE = 256
"""Positions between two writes: what is lost at most where the process is killed."""


class Analyst:
    """A chess program and what it found before.

    Raises:
        ConfigError: there is no such program, it compares no moves, or there can be no cache.
    """

    def __init__(self, settings: TaskSettings, say: Callable[[str], None] = _LOG.warning) -> None:
        named, depth = settings.stockfish_path or STOCKFISH, settings.stockfish_depth
        try:
            self._pool = AnalysisPool(named, depth, settings.stockfish_workers)
        except (OSError, RuntimeError) as error:
            raise ConfigError(
                f"stockfish_path {settings.stockfish_path!r}: {error}; a chess program finds what "
                "positions are worth, and nothing takes its place"
            ) from None
        self.program = f"{self._pool.program}, depth {depth}, {LINES} lines"
        """Name, version and all else that decides what is found."""
        try:
            path = settings.analysis_cache or default_cache()
            self._cache = AnalysisCache(path, self.program, say)
        except BaseException:
            self._pool.close()
            raise
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        """Positions asked for: cached, searched, or failed, as the program ended or erred twice."""

    def analyses(self, fens: Sequence[str]) -> list[Analysis | None]:
        """Return what the program finds in positions; None where it failed."""
        positions = [_position(fen) for fen in fens]
        different = list(dict.fromkeys(positions))
        found: dict[str, Analysis] = {}
        for begin in range(0, len(different), _AT_ONCE):
            found |= self._found(different[begin : begin + _AT_ONCE])
        return [found.get(position) for position in positions]

    def close(self) -> None:
        """End the program."""
        self._pool.close()
        self._cache.close()

    def _found(self, positions: list[str]) -> dict[str, Analysis]:
        known = self._cache.read(positions)
        missing = [position for position in positions if position not in known]
        answers = zip(missing, self._pool.analyse(missing), strict=True)
        fresh = {
            position: answer
            for position, answer in answers
            if answer is not None and _is_possible(position, answer)
        }
        self._cache.write(fresh)
        counted = {"cached": len(known), "searched": len(fresh)}
        with self._lock:
            self.counts.update(counted | {"failed": len(missing) - len(fresh)})
        return known | fresh


def _is_possible(position: str, analysis: Analysis) -> bool:
    """Tell whether a program compared different legal moves."""
    ucis = [line.uci for line in analysis.lines]
    steps = chess_engine.step_environment([position] * len(ucis), ucis)
    return bool(steps.legal.all()) and len(set(ucis)) == len(ucis)


def _position(fen: str) -> str:
    """Return a position without its move number, which programs do not look at.

    They do look at the halfmove clock: Stockfish's evaluation shrinks with it.
    """
    return f"{fen.rsplit(' ', 1)[0]} 1"
