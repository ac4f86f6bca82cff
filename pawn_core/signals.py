"""Ask a run to stop between two steps. Imports nothing heavy: installed before torch loads."""

import signal
from types import FrameType
from typing import Self


class Interrupted(Exception):
    """Work was cut short because the run was asked to stop."""


class StopFlag:
    """Set by SIGTERM or SIGINT; the training loop reads it. Later signals change nothing."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def install(self) -> Self:
        """Handle SIGTERM and SIGINT from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)
        return self

    def check(self) -> None:
        """Raise Interrupted once the flag is set; for long work between two steps."""
        if self.signal is not None:
            raise Interrupted(self.signal.name)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = signal.Signals(number)
