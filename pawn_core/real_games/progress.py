"""How far reading games is: a bar on a terminal, else a line every few seconds."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_SAY_EVERY_S = 5.0


class Seldom:
    """Passes on a line every few seconds, and leaves out the others."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._said = say, time.monotonic()

    def say(self, line: str) -> None:
        """Say a line if it is time."""
        if time.monotonic() - self._said >= _SAY_EVERY_S:
            self._said = time.monotonic()
            self._say(line)


class ReadingProgress:
    """Says how many games have been read and kept, how fast, and what is left of it."""

    def __init__(self, say: Callable[[str], None], bar: Progress | None) -> None:
        self._seldom, self._bar = Seldom(say), bar
        self._task = bar.add_task("real games", total=1.0) if bar else None
        self._begin: tuple[float, int, float] | None = None

    def tell(self, read: int, kept: int, share: float | None) -> None:
        """Take note of games read and kept so far, and of the share of the work that is done."""
        now = time.monotonic()
        self._begin = self._begin or (now, read, share or 0.0)
        line = self._line(now, read, kept, share)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=line, completed=share or 0.0)
        self._seldom.say(line)

    def _line(self, now: float, read: int, kept: int, share: float | None) -> str:
        assert self._begin is not None
        since, read_before, share_before = self._begin
        seconds = max(now - since, 1e-9)
        line = f"real games: {read:,} read, {kept:,} kept"
        if read > read_before:
            line += f", {(read - read_before) / seconds:,.0f} a second"
        if share is None:
            return line
        line += f", {share:.0%}"
        if share > share_before:
            left_s = seconds * (1.0 - share) / (share - share_before)
            line += f", {timedelta(seconds=round(left_s))} left"
        return line


@contextlib.contextmanager
def reading_progress(say: Callable[[str], None]) -> Iterator[ReadingProgress]:
    """Provide the progress of one reading; beside a bar the lines are said all the same."""
    if not sys.stderr.isatty():
        yield ReadingProgress(say, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield ReadingProgress(say, bar)
