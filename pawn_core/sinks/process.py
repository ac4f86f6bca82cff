"""Feed a tracker from a process of its own.

So that it can neither hold training, nor end it, nor touch its random generators: importing a
tracker seeds Python's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from pawn_core.sinks.sink import RunInfo, numbers

_WRITTEN = ("train", "eval")
_LAST_WORD_S = 1.0


class SinkProcess:
    """A child that opens the tracker, logs each line that it is sent, and closes it at the end.

    The child says why it failed on its stdout.
    """

    def __init__(self, name: str, command: Sequence[str], info: RunInfo) -> None:
        self.name = name
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._child.stdin
        self._pipe = self._child.stdin.fileno()
        self._open = True
        self._send({"run_dir": str(info.run_dir), "config": info.config})
        os.set_blocking(self._pipe, False)

    def write(self, kind: str, step: int, fields: dict[str, Any]) -> str | None:
        """Send a record's numbers, without waiting; returns why the tracker has failed, once."""
        if not self._open or kind not in _WRITTEN:
            return None
        sent = self._send({"step": step, "values": numbers(kind, fields)})
        return None if sent else self.close(_LAST_WORD_S)

    def close(self, timeout_s: float) -> str | None:
        """Let the tracker finish, for so long at most; returns why it failed, once."""
        if not self._open:
            return None
        self._open = False
        try:
            answer, _ = self._child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()
            return f"no answer within {timeout_s:.0f} s"
        code = self._child.returncode
        return answer.decode().strip() or f"exit code {code}" if code else None

    def _send(self, document: dict[str, Any]) -> bool:
        """Write one line; False where the child is gone, or too far behind to take all of it."""
        line = json.dumps(document).encode() + b"\n"
        try:
            return os.write(self._pipe, line) == len(line)
        except OSError:
            return False


def sink_command(name: str) -> list[str]:
    """Return the command of a tracker's child."""
    return [sys.executable, "-P", "-m", "pawn_core.sinks", name]
