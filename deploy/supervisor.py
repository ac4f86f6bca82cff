"""The processes of a container: started again when they end, asked to end, reaped.

The first process of a container adopts every orphan in it and has to reap
it; a shell in that place takes SIGTERM, dies, and the container ends before anybody has saved.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pawn_core.prctl import adopt_orphans
from pawn_lab.shim.identity import token_of

WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0


def say(what: str) -> None:
    """Write a line to the container's log."""
    print(f"entrypoint: {what}", file=sys.stderr, flush=True)


@dataclass
class Service:
    """A process that is to run; with `keep`, it is started again when it ends, ever more seldom."""

    name: str
    argv: Sequence[str]
    keep: bool = True
    pid: int | None = None
    code: int | None = None
    """How it last ended."""
    started: float = 0.0
    wait_s: float = SHORTEST_WAIT_S
    due: float = 0.0
    """When it is to be started, on the monotonic clock."""

    def start(self) -> None:
        """Start it in a session of its own, with the signals unblocked that we wait for."""
        self.started = time.monotonic()
        self.code = None
        try:
            argv = list(self.argv)
            self.pid = os.posix_spawnp(argv[0], argv, os.environ, setsigmask=[], setsid=True)
        except OSError as error:
            say(f"{self.name} cannot be started: {error}")
            self.ended(127)

    def ended(self, code: int) -> None:
        """Note an end, and when it is to be started again: at once after a minute of life."""
        lasted = time.monotonic() - self.started
        self.wait_s = SHORTEST_WAIT_S if lasted > LONGEST_WAIT_S else self.wait_s
        self.pid, self.code, self.due = None, code, time.monotonic() + self.wait_s
        again = f"; again in {self.wait_s:g} s" if self.keep else ""
        say(f"{self.name} ended with {code}{again}")
        self.wait_s = min(2 * self.wait_s, LONGEST_WAIT_S)

    def ask_to_end(self) -> None:
        """Send SIGTERM to all that its session's first group has left."""
        self.keep = False
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)


class Supervisor:
    """Keeps services running until it is told to stop; reaps whatever it is the parent of."""

    def __init__(self) -> None:
        self.services: list[Service] = []
        self.stopped_by: signal.Signals | None = None
        adopt_orphans()
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)

    def add(self, service: Service) -> Service:
        """Start a service."""
        self.services.append(service)
        service.start()
        return service

    def run(self, main: Service | None = None) -> None:
        """Keep the services running until SIGTERM or SIGINT, or until `main` has ended."""
        while self.stopped_by is None and (main is None or main.code is None):
            self._wait_for_something()
            for service in self.services:
                if service.keep and service.pid is None and time.monotonic() >= service.due:
                    service.start()

    def await_end(self, services: Sequence[Service], patience_s: float) -> bool:
        """Wait until services have ended; say whether they have."""
        deadline = time.monotonic() + patience_s
        while any(service.pid is not None for service in services):
            if time.monotonic() >= deadline:
                return False
            self._wait_for_something()
        return True

    def end_strangers(self, patience_s: float) -> None:
        """Ask what was started by hand and lost its parent to end; wait until nothing is left.

        Trials have an owner, which is asked through the lab; their processes are waited for.
        """
        deadline = time.monotonic() + patience_s
        asked: set[int] = set()
        while (left := self._strangers()) and time.monotonic() < deadline:
            for pid in left - asked:
                if token_of(pid) is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
            asked |= left
            self._wait_for_something()

    def _strangers(self) -> set[int]:
        """Return the children that are none of our services, adopted ones."""
        return set(children()) - {service.pid for service in self.services}

    def _wait_for_something(self) -> None:
        received = signal.sigtimedwait(WATCHED, 0.5)
        if received is not None and received.si_signo in (signal.SIGTERM, signal.SIGINT):
            self.stopped_by = signal.Signals(received.si_signo)
        self._reap()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                for service in self.services:
                    if service.pid == ended[0]:
                        service.ended(os.waitstatus_to_exitcode(ended[1]))


def children() -> list[int]:
    """Return the PIDs of this process's children, adopted ones too."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return [int(pid) for pid in listed.split()]
