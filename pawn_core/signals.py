"""Ask a run to stop between two steps. Imports nothing heavy: installed before torch loads."""

import contextlib
import os
import signal
import time
from types import FrameType
from typing import Self

_SAME_KEYSTROKE_S = 1.0  # a launcher such as uv passes on what the terminal has sent to us, too


class Interrupted(Exception):
    """Work was cut short because the run was asked to stop."""


class StopFlag:
    """Set by SIGTERM or SIGINT; the training loop reads it.

    Of later signals only Ctrl-C does anything, a second after the first: it ends the process.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._since = 0.0

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
        now = time.monotonic()
        if self.signal is None:
            self.signal, self._since = signal.Signals(number), now
            again = "; Ctrl-C again ends at once, unsaved" if number == signal.SIGINT else ""
            _say(f"{self.signal.name}: a checkpoint is saved at the end of this step{again}")
        elif number == signal.SIGINT and now - self._since > _SAME_KEYSTROKE_S:
            _say("SIGINT again: ends unsaved; the checkpoints from before are whole")
            os._exit(128 + number)


def _say(line: str) -> None:
    """Write to stderr from a signal handler, which may interrupt any other write."""
    if os.environ.get("RANK", "0") == "0":  # one of torchrun's processes speaks for all
        with contextlib.suppress(OSError):
            os.write(2, f"{line}\n".encode())
