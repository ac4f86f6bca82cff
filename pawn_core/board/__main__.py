"""`python -m pawn_core.board`: a model at a board, asked and answering in JSON, a line each.

A question is `{"id": 1, "question": "position", "fields": {..}}`, its answer `{"id": 1, "answer":
{..}}` or `{"id": 1, "error": "..."}`. stdout carries answers and nothing else. The process ends
with its input, and when nothing has been asked for a while.
"""

import argparse
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pawn_core.machine import cpu_memory
from pawn_core.threads import settle_threads

if TYPE_CHECKING:
    from pawn_core.board.worker import BoardWorker

_LONGEST_LINE = 4 << 20
_NICENESS = 10  # training comes first
_GIB = 1 << 30
_MEMORY = Path("/proc/self/statm")


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer until the input ends, and return the exit code."""
    wire = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print must not be taken for an answer
    options = _parser().parse_args(arguments)
    os.nice(_NICENESS)
    settle_threads()
    from pawn_core.board.worker import BoardWorker  # torch reads the threads when it is imported

    _limit_memory(int(options.memory_gib * _GIB))
    worker = BoardWorker(options.trials)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
    try:
        while line := _next_line(sys.stdin.buffer, options.idle_s):
            wire.write(json.dumps(_answered(worker, line), allow_nan=False).encode() + b"\n")
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    return 0


def _next_line(lines: BinaryIO, idle_s: int) -> bytes:
    signal.alarm(idle_s)
    try:
        return lines.readline(_LONGEST_LINE)
    finally:
        signal.alarm(0)


def _answered(worker: "BoardWorker", line: bytes) -> dict[str, Any]:
    """Return the answer to a line, whatever it holds."""
    number = None
    try:
        asked = json.loads(line)
        number = asked["id"]
        return {"id": number, "answer": worker.answer(asked["question"], asked["fields"])}
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        return {"id": number, "error": f"no question: {error!r}"}
    except ValueError as error:
        return {"id": number, "error": str(error)}
    except (MemoryError, RuntimeError) as error:
        if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
            raise
        return {"id": number, "error": f"source: the model does not fit into memory: {error}"}


def _limit_memory(most: int) -> None:
    """Let a model of more bytes fail here, before the machine that trains runs out."""
    data_pages = int(_MEMORY.read_text("ascii").split()[5])
    most += data_pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pawn_core.board", description=__doc__)
    parser.add_argument("--trials", type=Path, default=Path(), help="folder of the trials")
    parser.add_argument("--idle-s", type=int, default=900, help="seconds without a question")
    half = (cpu_memory() or 8 * _GIB) / 2 / _GIB
    parser.add_argument(
        "--memory-gib", type=float, default=half, help="for a model; by default half of all"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
