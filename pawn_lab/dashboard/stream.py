"""The notice that something changed: one look a second for all pages, only while one is open.

It carries a cursor and never data, so that nothing is lost or doubled where a connection breaks:
a page asks again whenever the stream opens.
"""

import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread
from pydantic_core import to_json
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.routing import Route

from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.errors import LabError
from pawn_lab.lab import Lab, queries
from pawn_lab.trial_paths import TrialPaths

LOOK_EVERY_S = 1.0
ADVANCE_EVERY_S = 5.0
_PING_S = 15
_RETRY_MS = 2000
_STOP_S = 1.0
"""For streams to end of themselves when the server does."""
_SEND_TIMEOUT_S = 30.0
"""After which a reader that takes nothing is gone."""

_LOG = logging.getLogger(__name__)

Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """What is new since a page last heard: the newest event, trials, whether the notes are."""

    event: int
    trials: frozenset[int] = frozenset()
    notes: bool = False

    def after(self, earlier: "Change | None") -> "Change":
        """Return this change with one that was not told yet."""
        if earlier is None:
            return self
        return Change(self.event, self.trials | earlier.trials, self.notes or earlier.notes)

    def wire(self) -> str:
        """Return the JSON that is sent."""
        content = {"event": self.event, "trials": sorted(self.trials), "notes": self.notes}
        return to_json(content).decode()


@dataclass(frozen=True)
class LookedAt:
    """How far the lab was looked at: its newest event, the files of running trials, its notes."""

    event: int = 0
    files: dict[int, tuple[Stamp, ...]] = field(default_factory=dict)
    notes: Stamp = ()
    trouble: str = ""


class Listener:
    """A page that is told of changes, several at once where it is slow."""

    def __init__(self) -> None:
        self._pending: Change | None = None
        self._told = anyio.Event()
        self._over = False

    def tell(self, change: Change) -> None:
        """Add a change to what is to be sent."""
        self._pending = change.after(self._pending)
        self._told.set()

    def end(self) -> None:
        """Let the page hear nothing more."""
        self._over = True
        self._told.set()

    async def changes(self) -> AsyncIterator[Change]:
        """Yield changes as they come, until the end."""
        while not self._over:
            await self._told.wait()
            self._told = anyio.Event()
            change, self._pending = self._pending, None
            if change is not None:
                yield change


class Watch:
    """Looks at a lab for all who listen."""

    def __init__(self, exhibit: Exhibit) -> None:
        self._exhibit = exhibit
        self._listeners: set[Listener] = set()
        self._arrived = anyio.Event()
        self._event: int | None = None
        """The newest one; None until the first look since somebody came."""

    @contextlib.contextmanager
    def telling(self, listener: Listener) -> Iterator[None]:
        """Tell a page of changes within a block; what comes first is how far the lab is."""
        if self._event is not None:
            listener.tell(Change(self._event))
        self._listeners.add(listener)
        self._arrived.set()
        try:
            yield
        finally:
            self._listeners.discard(listener)

    async def run(self) -> None:
        """Look while somebody listens; never returns."""
        while True:
            if not self._listeners:
                self._arrived = anyio.Event()
                await self._arrived.wait()
            await self._look_on()

    async def _look_on(self) -> None:
        seen, advance_at = None, -math.inf
        while self._listeners:
            change, seen = await anyio.to_thread.run_sync(self.look, seen)
            self._event = seen.event
            if change is not None:
                for listener in self._listeners:
                    listener.tell(change)
            if time.monotonic() >= advance_at:
                await anyio.to_thread.run_sync(self._advance)
                advance_at = time.monotonic() + ADVANCE_EVERY_S
            await anyio.sleep(LOOK_EVERY_S)
        self._event = None

    def look(self, before: LookedAt | None) -> tuple[Change | None, LookedAt]:
        """Return what `look` does; that the lab cannot be read is a change too."""
        try:
            with self._exhibit.open_to_look() as lab:
                return look(lab, before)
        except Exception as error:  # the views say it too, and the lab may come back
            seen = replace(before or LookedAt(), trouble=f"{type(error).__name__}: {error}")
            if before == seen:
                return None, seen
            if not isinstance(error, LabError):
                _LOG.exception("the lab cannot be looked at")
            return Change(seen.event), seen

    def _advance(self) -> None:
        try:
            self._exhibit.advance()
        except LabError:
            pass  # the next look and the views say it
        except Exception:  # a defect, which shall not end the notices
            _LOG.exception("the lab cannot be brought up to date")


def look(lab: Lab, before: LookedAt | None) -> tuple[Change | None, LookedAt]:
    """Return what has changed in a lab, if anything has, and how far it is."""
    seen = LookedAt(
        event=queries.latest_event(lab),
        files={trial_id: _stamps(lab.paths.trial(trial_id)) for trial_id in queries.holding(lab)},
        notes=_stamp(lab.paths.notes),
    )
    if before is None or before.trouble or seen.event < before.event:  # restored from a backup
        return Change(seen.event), seen
    if seen == before:
        return None, seen
    written = {trial_id for trial_id, _ in seen.files.items() ^ before.files.items()}
    trials = written | queries.touched(lab, before.event)
    return Change(seen.event, frozenset(trials), seen.notes != before.notes), seen


def _stamps(paths: TrialPaths) -> tuple[Stamp, ...]:
    """Return what changes with the files that a running trial writes."""
    return tuple(map(_stamp, (paths.metrics, paths.log, paths.phase, paths.results)))


def _stamp(path: Path) -> Stamp:
    """Return what changes with a file; events of the file system do not cross network disks."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def stream_route(watch: Watch) -> Route:
    """Return the route of the notices."""

    async def messages(listener: Listener) -> AsyncIterator[ServerSentEvent]:
        # A comment at once: it shows that nothing between here and the page holds events back.
        yield ServerSentEvent(comment="listening", retry=_RETRY_MS)
        with watch.telling(listener):
            kind = "open"
            async for change in listener.changes():
                yield ServerSentEvent(change.wire(), event=kind)
                kind = "changed"

    async def stream(_: Request) -> EventSourceResponse:
        listener, stopping = Listener(), anyio.Event()

        async def end() -> None:
            await stopping.wait()
            listener.end()

        return EventSourceResponse(
            messages(listener),
            ping=_PING_S,
            send_timeout=_SEND_TIMEOUT_S,
            data_sender_callable=end,
            shutdown_event=stopping,
            shutdown_grace_period=_STOP_S,
        )

    return Route("/stream", stream)
