"""lab_events: what happened since a cursor."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.records import Event
from pawn_lab.tools.check_in import next_check
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_views import timestamp
from pawn_lab.tools.values import Answer


class EventRow(Answer):
    """One change of the lab's state."""

    seq: int
    time: str
    trial_id: int | None = None
    kind: str
    message: str


class EventsAnswer(Answer):
    """Events in order; pass `cursor` as the next call's `since`."""

    events: list[EventRow]
    cursor: int
    more: bool
    next_check_s: int | None = None


def lab_events(
    lab: Lab,
    since: Annotated[int, Field(description="The last answer's cursor; 0: all.")] = 0,
    limit: Annotated[int, Field(description="Most events in the answer, up to 1000.")] = 50,
) -> EventsAnswer:
    """Read what happened since a cursor: trials queued, started, paused, ended, and why.

    The cheap check-in: keep `cursor` (write it into the notes), pass it as `since`, and only what
    is new comes back. `more` says that another page waits. `next_check_s` is when to look again.
    """
    page = lab.events(since=since, limit=limit)
    return EventsAnswer(
        events=[event_row(event) for event in page.events],
        cursor=page.cursor,
        more=page.more,
        next_check_s=next_check(lab),
    )


def event_row(event: Event) -> EventRow:
    """Show an event."""
    return EventRow(
        seq=event.seq,
        time=timestamp(event.time),
        trial_id=event.trial_id,
        kind=event.kind,
        message=event.message,
    )


TOOL = LabTool(lab_events, title="Events since a cursor", read_only=True, idempotent=True)
