"""lab_events: what happened since a cursor."""

from itertools import accumulate
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr

from pawn_lab.lab import Lab, queries
from pawn_lab.records import Event, Severity
from pawn_lab.states import ACTIVE
from pawn_lab.tools import tokens
from pawn_lab.tools.notation import time_of_year
from pawn_lab.tools.questions import MaxTokens, Reading, Since, position
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Table


class EventRow(Answer):
    """One change of the lab's state; `time` is month-day and UTC."""

    seq: int
    time: str
    trial_id: int | None = None
    kind: str
    message: str
    _severity: Severity = PrivateAttr(Severity.INFO)

    @property
    def severity(self) -> Severity:
        """How much it matters; its kind says enough to an agent."""
        return self._severity

    @classmethod
    def of(cls, event: Event) -> Self:
        """Show an event."""
        row = cls(
            seq=event.seq,
            time=time_of_year(event.time),
            trial_id=event.trial_id,
            kind=event.kind,
            message=event.message,
        )
        row._severity = event.severity
        return row


class EventsAnswer(Reading):
    """Events in order; pass `cursor` as the next call's `since`."""

    events: Table[EventRow]
    more: Literal[True] | None = None


def lab_events(
    lab: Lab,
    since: Since = None,
    limit: Annotated[int, Field(description="Up to 1000.")] = 50,
    routine: Annotated[bool, Field(description="false: no queued, launching, running.")] = True,
    max_tokens: MaxTokens = 2000,
) -> EventsAnswer:
    """Read what happened since a cursor: trials queued, started, paused, ended, and why.

    The cheap check-in; look again in `next_check_s`.

    Only what is new since the cursor comes back; routine=false leaves out what a queue does by
    itself. `more` says that another page waits.
    """
    start = position(since)
    page = queries.events(lab, since=start, limit=limit)
    rows = [EventRow.of(e) for e in page.events if routine or e.kind not in ACTIVE]
    kept = first_rows(rows, max_tokens)
    is_cut = len(kept) < len(rows)
    answer = EventsAnswer(
        events=kept,
        more=True if page.more or is_cut else None,
        cursor=kept[-1].seq if is_cut else page.cursor,
        unchanged=True if since is not None and not rows and not page.more else None,
    )
    return answer.with_check_in(lab)


def first_rows(rows: list[EventRow], max_tokens: int) -> list[EventRow]:
    """Return the first events that a budget holds, one at least."""
    sums = accumulate(tokens.count(list(row.wire().values())) for row in rows)
    return rows[: max(1, sum(spent <= max_tokens for spent in sums))]


TOOL = LabTool(lab_events, title="Events since a cursor", read_only=True, idempotent=True)
