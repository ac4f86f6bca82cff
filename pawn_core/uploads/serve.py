"""The process beside a trainer: `python -m pawn_core.uploads.serve NAME WHERE RUN_DIR [memory]`.

Orders come on stdin and reports go to stdout, a JSON object a line.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from pawn_core.uploads.destination import Destination
from pawn_core.uploads.errors import described, is_permanent, redacted, retry_after_s
from pawn_core.uploads.record import UploadRecord
from pawn_core.uploads.registry import destination_named
from pawn_core.uploads.worker import Orders, Report, Worker

IN_MEMORY = "memory"

_FIRST_TRIES = 3
_LONGEST_FIRST_PAUSE_S = 5.0


def serve_command(name: str, where: str, run_dir: Path, in_memory: bool) -> list[str]:
    """Return the command of the process."""
    module = [sys.executable, "-P", "-m", "pawn_core.uploads.serve"]
    return [*module, name, where, str(run_dir), *([IN_MEMORY] if in_memory else [])]


def main() -> int:
    """Serve until told to end; returns 1 where the destination is refused."""
    name, where, run_dir, *options = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the trainer, which then gives orders
    answers = os.dup(1)
    os.dup2(2, 1)  # what the client prints belongs into the log

    def report(event: Report) -> None:
        os.write(answers, json.dumps(event).encode() + b"\n")

    orders = Orders()
    order_lines = FileIO(0, closefd=False)  # unbuffered: no lock is held at our end
    threading.Thread(target=_obey, args=(order_lines, orders), daemon=True).start()
    destination = destination_named(name).build(where)
    if not open_first(destination, where, report):
        return 1
    record = UploadRecord.read(Path(run_dir), name, where)
    in_memory = IN_MEMORY in options
    worker = Worker(Path(run_dir), destination, record, report, orders, in_memory=in_memory)
    listen_to_client(worker)
    worker.run()
    return 0


def open_first(
    destination: Destination,
    where: str,
    report: Callable[[Report], None],
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Open a destination and say `ready`, `unreachable` for now, or `refused`: False."""
    for left in reversed(range(_FIRST_TRIES)):
        try:
            destination.open()
        except Exception as error:
            why = f"{where}: {described(error)}"
            if is_permanent(error):
                report({"event": "refused", "message": why})
                return False
            if left:
                pause(min(retry_after_s(error) or 1.0, _LONGEST_FIRST_PAUSE_S))
            else:
                report({"event": "unreachable", "message": why})
        else:
            report({"event": "ready", "message": where})
            break
    return True


def listen_to_client(worker: Worker) -> None:
    """Report what the hub's client meets and tries again; its own log would show addresses."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = redacted(record.getMessage())
            sys.stderr.write(f"{message}\n")
            worker.noticed(message)

    logging.getLogger("huggingface_hub").handlers = [Listener(logging.WARNING)]


def _obey(lines: FileIO, orders: Orders) -> None:
    """Take orders; a trainer that is gone without one to end is dead, and so are we."""
    for line in lines:
        orders.take(json.loads(line))
    if not orders.ending:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
