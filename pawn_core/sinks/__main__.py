"""`python -m pawn_core.sinks NAME`: log what comes on stdin, a JSON object a line, to a tracker.

The first line describes the run; at the end of stdin the tracker is closed.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from pawn_core.sinks.registry import sink_named
from pawn_core.sinks.sink import RunInfo


def main() -> int:
    """Return 0, or 1 with the reason on stdout."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the trainer, which then closes stdin
    answer = os.dup(1)
    os.dup2(2, 1)  # what trackers print belongs into the log
    try:
        _feed(sys.argv[1], sys.stdin.buffer)
    except BaseException as error:  # a tracker may even call sys.exit
        os.write(answer, f"{type(error).__name__}: {error}".encode())
        return 1
    return 0


def _feed(name: str, lines: BinaryIO) -> None:
    first = json.loads(next(lines))
    sink = sink_named(name).open(RunInfo(Path(first["run_dir"]), first["config"]))
    for line in lines:
        record = json.loads(line)
        sink.write(record["step"], record["values"])
    sink.close()


if __name__ == "__main__":
    sys.exit(main())
