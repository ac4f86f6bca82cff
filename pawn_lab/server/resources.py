"""What an agent may read without calling a tool, and the notices that it has changed.

`lab://notes`, `lab://leaderboard`, `lab://trials/{trial_id}`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, ServerEvent
from pydantic_core import to_json

from pawn_lab.errors import LabError
from pawn_lab.lab import Lab, notebook, queries
from pawn_lab.text import mask_secrets
from pawn_lab.tools.results import lab_results

NOTES = "lab://notes"
LEADERBOARD = "lab://leaderboard"
TRIAL = "lab://trials/{trial_id}"
NOTICE_INTERVAL_S = 1.0

T = TypeVar("T")
OpenLab = Callable[[], Lab]


def add_resources(server: MCPServer, open_lab: OpenLab) -> None:
    """Register the resources; each read opens the lab on a worker thread."""

    @server.resource(NOTES, title="Lab notes", mime_type="text/markdown")
    async def notes() -> str:
        """What was done, what was chosen and why."""
        return await _text(open_lab, lambda lab: notebook.read(lab))

    @server.resource(LEADERBOARD, title="Leaderboard", mime_type="application/json")
    async def leaderboard() -> str:
        """The trials by ablation, the best first, as lab_results gives them."""
        return await _text(open_lab, lambda lab: to_json(lab_results(lab).wire()).decode())

    @server.resource(TRIAL, title="Trial", mime_type="application/json")
    async def trial(trial_id: str) -> str:
        """One trial: its config, state, lineage and progress."""
        return await _text(open_lab, lambda lab: _trial(lab, trial_id))


def _trial(lab: Lab, trial_id: str) -> str:
    if not trial_id.isdecimal():
        raise ResourceError(f"trial_id '{trial_id[:20]}' is not a trial number")
    trial, progress = queries.trial(lab, int(trial_id)), queries.progress(lab, int(trial_id))
    return to_json({"trial": trial, "progress": progress}).decode()


async def _text(open_lab: OpenLab, read: Callable[[Lab], str]) -> str:
    """Return what is read without what looks like a secret."""
    return mask_secrets(await _with_lab(open_lab, read))


async def _with_lab(open_lab: OpenLab, read: Callable[[Lab], T]) -> T:
    def call() -> T:
        with open_lab() as lab:
            return read(lab)

    try:
        return await anyio.to_thread.run_sync(call)
    except LabError as error:
        raise ResourceError(str(error)) from error


class Listeners(InMemorySubscriptionBus):
    """The clients that listen for changes of resources."""

    def __init__(self) -> None:
        super().__init__()
        self._arrived = anyio.Event()

    @property
    def any(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Add a listener and return how to remove it."""
        self._arrived.set()
        return super().subscribe(listener)

    async def wait(self) -> None:
        """Return when somebody listens."""
        if not self.any:
            self._arrived = anyio.Event()
            await self._arrived.wait()


class Seen(NamedTuple):
    """How far the lab was looked at."""

    event: int
    notes_written_ns: int


async def announce_changes(listeners: Listeners, open_lab: OpenLab) -> None:
    """Tell listeners which resources changed, whichever process changed them; never returns.

    The lab is looked at only while somebody listens.
    """
    while True:
        await listeners.wait()
        seen = await _with_lab(
            open_lab, lambda lab: Seen(queries.latest_event(lab), _notes_written(lab))
        )
        while listeners.any:
            await anyio.sleep(NOTICE_INTERVAL_S)
            uris, seen = await _with_lab(open_lab, partial(_changes, seen=seen))
            for uri in uris:
                await listeners.publish(ResourceUpdated(uri))


def _changes(lab: Lab, seen: Seen) -> tuple[list[str], Seen]:
    """Return the resources that changed since, and how far that looked."""
    # A database that was restored from a backup has fewer events than were seen.
    since = min(seen.event, queries.latest_event(lab))
    page, written = queries.events(lab, since=since), _notes_written(lab)
    trials = sorted({event.trial_id for event in page.events if event.trial_id is not None})
    uris = [TRIAL.format(trial_id=trial_id) for trial_id in trials]
    uris += [LEADERBOARD] if trials else []
    uris += [NOTES] if written != seen.notes_written_ns else []
    return uris, Seen(page.cursor, written)


def _notes_written(lab: Lab) -> int:
    notes = lab.paths.notes
    return notes.stat().st_mtime_ns if notes.exists() else 0
