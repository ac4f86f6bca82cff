"""Upload what is missing, one checkpoint at a time, until told to end."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pawn_core.checkpoint import volatile
from pawn_core.checkpoint.manifest import by_step, file_sha256
from pawn_core.run_paths import SENTINEL, RunPaths
from pawn_core.uploads import backlog
from pawn_core.uploads.destination import Destination
from pawn_core.uploads.errors import described, is_permanent, redacted, retry_after_s
from pawn_core.uploads.package import Package
from pawn_core.uploads.record import UploadRecord

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0

Report = dict[str, Any]
"""An event's fields: `event`, `message` and details."""


class Orders:
    """What the trainer has said so far; it may speak at any time."""

    def __init__(self, up_to: int | None = -1, ending: bool = False) -> None:
        self.up_to = up_to
        """Checkpoints of later steps are not to be touched yet; None: there is no such limit."""
        self.ending = ending
        self.news = threading.Event()

    def take(self, order: dict[str, Any]) -> None:
        """Note `{"up_to": step}` or `{"ending": true}`."""
        self.up_to = order.get("up_to", self.up_to)
        self.ending = order.get("ending", self.ending)
        self.news.set()


class Worker:
    """Brings a run's newest and best checkpoints to one destination."""

    def __init__(
        self,
        run_dir: Path,
        destination: Destination,
        record: UploadRecord,
        report: Callable[[Report], None],
        orders: Orders,
        pause: Callable[[float], None] = time.sleep,
        in_memory: bool = False,
    ) -> None:
        """`in_memory`: checkpoints that no longer matter are to be removed here."""
        self._run_dir = run_dir
        self._destination = destination
        self._record = record
        self._report = report
        self._orders = orders
        self._pause = pause
        self._in_memory = in_memory
        self._given_up: set[tuple[str, str]] = set()
        self._failures = 0
        self._trying: str | None = None

    def run(self) -> None:
        """Work until the orders are to end and nothing is left to do."""
        while True:
            self._orders.news.clear()
            ending = self._orders.ending
            todo = self._todo()
            if todo:
                self._try(todo[0])
            elif ending:
                return
            else:
                self._orders.news.wait()

    def noticed(self, trouble: str) -> None:
        """Report the first trouble of a try that the hub's client deals with by itself."""
        if (name := self._trying) is not None:
            self._trying = None
            self._tell("upload_retried", name, f"meets trouble, going on: {redacted(trouble)}")

    def _todo(self) -> list[Path]:
        try:
            lacking = backlog.missing(self._run_dir, self._record, self._orders.up_to)
            return [path for path in lacking if _identity(path) not in self._given_up]
        except FileNotFoundError:  # one was replaced or removed meanwhile
            return self._todo()

    def _try(self, checkpoint: Path) -> None:
        begin, self._trying = time.monotonic(), checkpoint.name
        identity = _identity(checkpoint)
        try:
            self._destination.open()
            package = Package.of(self._run_dir, checkpoint, self._new_weights(), self._record.model)
            revision = self._destination.upload(package)
        except Exception as error:
            self._failed(checkpoint.name, identity, error)
            return
        finally:
            self._trying = None
        self._failures = 0
        self._record.add(checkpoint, package.manifest, revision, package.weights)
        self._tell(
            "upload_done",
            checkpoint.name,
            f"is at {self._record.where}",
            revision=revision,
            weights=package.weights and {m: path.name for m, path in package.weights.items()},
            took_s=round(time.monotonic() - begin, 3),
        )
        if self._in_memory:
            self._make_room()

    def _make_room(self) -> None:
        """Remove what no longer matters, once all that does has arrived."""
        up_to = self._orders.up_to
        if backlog.missing(self._run_dir, self._record, up_to):
            return
        kept = backlog.notable(self._run_dir, up_to).in_order  # of all models
        for step, path in by_step(RunPaths(self._run_dir).checkpoints).items():
            if (up_to is None or step <= up_to) and path not in kept:
                volatile.remove(path)

    def _new_weights(self) -> dict[str, Path]:
        """Return the best checkpoint of each model whose weights are not at the root yet."""
        best = backlog.notable(self._run_dir, self._orders.up_to, self._record.model).best
        return {m: path for m, path in best.items() if self._record.weights.get(m) != path.name}

    def _failed(self, name: str, identity: tuple[str, str], error: Exception) -> None:
        self._failures += 1
        why = described(error)
        if is_permanent(error):
            self._given_up.add(identity)
            self._tell("upload_failed", name, f"cannot go to {self._record.where}: {why}")
            return
        pause_s = retry_after_s(error) or _pause_s(self._failures)
        message = f"is not at {self._record.where} yet, next try in {pause_s:.0f} s: {why}"
        self._tell("upload_retried", name, message, failures=self._failures)
        self._pause(pause_s)

    def _tell(self, event: str, name: str, what: str, **details: Any) -> None:
        message = f"{name} {what}"
        self._report({"event": event, "message": message, "checkpoint": name, **details})


def _identity(checkpoint: Path) -> tuple[str, str]:
    """Tell a checkpoint from another of its step."""
    return checkpoint.name, file_sha256(checkpoint / SENTINEL)


def _pause_s(failures: int) -> float:
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures - 1, 16))
