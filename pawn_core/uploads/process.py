"""The trainer's side: say what is saved, hear what has arrived, never wait in between."""

import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pawn_core.config import ConfigError, RunConfig
from pawn_core.uploads import backlog
from pawn_core.uploads.record import UploadRecord
from pawn_core.uploads.registry import field_of, places
from pawn_core.uploads.serve import serve_command
from pawn_core.uploads.worker import Report

READY_WITHIN_S = 45.0
_LOOK_S = 0.2
_READ_BYTES = 1 << 16
_EVENTS = {"ready": "", "unreachable": "upload_retried", "refused": "upload_failed"}
"""The event that a word on the destination is, if any."""


class UploadProcess:
    """A child that uploads a run's checkpoints to one destination."""

    def __init__(self, name: str, where: str, run_dir: Path, in_memory: bool) -> None:
        self.name = name
        self.where = where
        self._run_dir = run_dir
        self._command = serve_command(name, where, run_dir, in_memory)
        self._saved_step: int | None = None
        self._pending: list[Report] = []
        self._start()

    def first_report(self) -> Report:
        """Wait for the child's word on the destination: `ready`, `unreachable` or `refused`."""
        deadline = time.monotonic() + READY_WITHIN_S
        while (left_s := deadline - time.monotonic()) > 0 and self._alive:
            select.select([self._answers], [], [], min(left_s, _LOOK_S))
            if reports := self._read():
                self._pending = reports
                return reports[0]
        return {"event": "unreachable", "message": f"{self.where}: no answer"}

    def saved(self, step: int) -> None:
        """Say that the checkpoints up to a step are on the disk, with their evaluations."""
        if step == self._saved_step:
            return
        self._saved_step = step
        if not self._alive:
            self._start()
        self._send({"up_to": step})

    def reports(self) -> list[Report]:
        """Return what the child has said since, as events, without waiting."""
        return self._events(self._read() if self._alive else [])

    def end(self) -> None:
        """Let the child end once everything has arrived."""
        self._send({"ending": True})

    def finish(self, time_left_s: Callable[[], float]) -> list[Report]:
        """Wait for the child's end while there is time; then end it. Returns its last reports."""
        reports: list[Report] = []
        while self._alive and (left_s := time_left_s()) > 0:
            select.select([self._answers], [], [], min(left_s, _LOOK_S))
            reports += self._read()
        self.kill()
        return self._events(reports)

    def missing(self) -> list[Path]:
        """Return the checkpoints that matter and have not arrived."""
        record = UploadRecord.read(self._run_dir, self.name, self.where)
        return backlog.missing(self._run_dir, record, self._saved_step)

    def kill(self) -> None:
        """End the child now; what it has not finished is missing."""
        self._child.kill()
        self._child.wait()
        self._close()

    def _start(self) -> None:
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._child.stdin
        assert self._child.stdout
        self._answers = self._child.stdout.fileno()
        for pipe in (self._child.stdin, self._child.stdout):
            os.set_blocking(pipe.fileno(), False)
        self._half_line = b""
        self._alive = True

    def _send(self, order: dict[str, Any]) -> None:
        """Write an order; a child that is gone is noticed when it is read from."""
        if self._alive and self._child.stdin:
            try:
                os.write(self._child.stdin.fileno(), json.dumps(order).encode() + b"\n")
            except OSError:
                return

    def _read(self) -> list[Report]:
        """Return the reports that have come; one about the child's own end where it has ended."""
        try:
            data = os.read(self._answers, _READ_BYTES)
        except BlockingIOError:
            return []
        if not data:
            return self._ended()
        *lines, self._half_line = (self._half_line + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def _ended(self) -> list[Report]:
        code = self._child.wait()
        self._close()
        message = f"the uploads to {self.where} ended with exit code {code}"
        return [{"event": "upload_failed", "message": message}] if code else []

    def _events(self, reports: list[Report]) -> list[Report]:
        reports, self._pending = [*self._pending, *reports], []
        events = (
            {**report, "event": _EVENTS.get(report["event"], report["event"])} for report in reports
        )
        return [{**event, "destination": self.name} for event in events if event["event"]]

    def _close(self) -> None:
        self._alive = False
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe:
                pipe.close()


def open_uploads(config: RunConfig, run_dir: Path) -> list[UploadProcess]:
    """Start the uploads that a config asks for, once their destinations have answered.

    A hub that cannot be reached now is tried again later, unless checkpoints are in memory only.

    Raises:
        ConfigError: a destination refuses, or nobody is logged in.
    """
    document = config.model_dump(mode="json")
    opened: list[UploadProcess] = []
    try:
        for name, where in places(document, run_dir).items():
            opened.append(UploadProcess(name, where, run_dir, config.shm_checkpoints))
        for upload in opened:
            _check(upload, document)
    except BaseException:
        for upload in opened:
            upload.kill()
        raise
    return opened


def _check(upload: UploadProcess, config: dict[str, Any]) -> None:
    first = upload.first_report()
    field = field_of(upload.name)
    choice = f"{field} {config[field]!r}"
    if first["event"] == "refused":
        raise ConfigError(f"{choice} is refused: {first['message']}")
    if first["event"] != "ready" and config["shm_checkpoints"]:
        raise ConfigError(f"{choice} cannot be reached, and shm_checkpoints: {first['message']}")
