"""Programs that answer within a time, or are ended."""

import subprocess
import sys
from typing import NamedTuple


class Ran(NamedTuple):
    """How a program ended; a code of None: it did not within its time."""

    code: int | None
    out: str
    err: str

    def last_line(self) -> str:
        """Return the last line that it wrote, which names the error of a Python program."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else "no reason given"


def python(code: str, limit_s: float) -> Ran:
    """Run code in a Python of this environment."""
    command = [sys.executable, "-c", code]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_s, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return Ran(None, "", "")
    return Ran(done.returncode, done.stdout, done.stderr)
