"""One look at the lab after the other: passes, alarms, deliveries, the stop of an idle machine."""

import math
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from pawn_lab.alarms import watching, webhook
from pawn_lab.errors import LabError
from pawn_lab.lab import Lab
from pawn_lab.store.failures import translated
from pawn_lab.watchdog.courier import Courier
from pawn_lab.watchdog.room import Room
from pawn_lab.watchdog.stopping import Stopper

INTERVAL_S, PING_EVERY_S = 15.0, 60.0


@dataclass
class Watchdog:
    """Looks at a lab until told to end, whatever hinders a single look."""

    open_lab: Callable[[], Lab]
    say: Callable[[str], None]
    stopper: Stopper | None = None
    interval_s: float = INTERVAL_S
    ping_url: str | None = None
    """Who outside of this machine raises the alarm once it is not called any more."""
    clock: Callable[[], float] = time.monotonic
    courier: Courier = field(init=False)
    ended: threading.Event = field(default_factory=threading.Event, init=False)
    _room: Room = field(default_factory=Room, init=False)
    _said: str | None = field(default=None, init=False)
    _pinged: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        self.courier = Courier(self.say)

    def run(self) -> None:
        """Look until `ended` is set.

        Raises:
            WatchedError: another process watches the lab.
            WorkspaceNotWritableError: its folder cannot be written.
        """
        with closing(self.open_lab()) as lab:
            paths = lab.paths
        watcher = watching.Watcher.of_self(stops_when_idle=self.stopper is not None)
        with translated(paths.root), watching.on_watch(paths, watcher):
            while not self.ended.is_set():
                self.look()
                watching.beat(paths)
                self.ended.wait(self.interval_s)

    def look(self) -> None:
        """Look once; what hinders it is said once."""
        try:
            with closing(self.open_lab()) as lab, lab.one_pass():
                lab.tick()
                self._follow(lab)
            self._ping()
            self._said = None
        except (LabError, OSError) as error:
            if str(error) != self._said:
                self._said = str(error)
                self.say(self._said)

    def _follow(self, lab: Lab) -> None:
        """Go on with the stop, unless nothing can be recorded, and tell what happened."""
        if lab.refusal is None:
            self._room.look(lab)
            if self.stopper is not None:
                self.stopper.look(lab)
        self.deliver(lab)

    def _ping(self) -> None:
        """Show that all is well, once a minute.

        Raises:
            NotDeliveredError: nobody took it.
        """
        now = self.clock()
        if self.ping_url is not None and now - self._pinged >= PING_EVERY_S:
            self._pinged = now
            webhook.ping(self.ping_url)

    def deliver(self, lab: Lab) -> None:
        """Tell what happened at once."""
        self.courier.deliver(lab, time.time())
