"""lab_wait: one call instead of many looks; it ends when something happens, or in a minute."""

import threading
import time
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.records import Event
from pawn_lab.store.events import KINDS
from pawn_lab.tools.check_in import next_check
from pawn_lab.tools.events import EventRow, event_row, first_rows
from pawn_lab.tools.reading import MaxTokens, Reading, Since, position
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Table, TrialId, parsed
from pawn_lab.trials.requests import MOST_EVENTS
from pawn_lab.trials.states import ACTIVE, ENDED

LONGEST_S = 60.0
POLL_S = 0.25
_ANY = "any"
_UNTIL = {"ended": frozenset(map(str, ENDED)), _ANY: frozenset(map(str, KINDS))}

closing = threading.Event()
"""Set when this process ends: every wait returns."""


class WaitAnswer(Reading):
    """Why the wait is over, the events waited for, and the `cursor` for the next wait.

    `idle`: nothing is queued or running, so that no trial can end.
    """

    over: Literal["event", "timeout", "idle"]
    events: Table[EventRow]


def lab_wait(
    lab: Lab,
    trial_ids: Annotated[
        list[TrialId] | None,
        BeforeValidator(parsed),
        Field(description="Only events of these trials; without since also past ones count."),
    ] = None,
    until: Annotated[
        str, Field(description=f"ended (in any way), any, or one of: {', '.join(KINDS)}.")
    ] = "ended",
    since: Since = None,
    timeout_s: Annotated[float, Field(ge=0, le=LONGEST_S, description="Wait no longer.")] = 30.0,
    max_tokens: MaxTokens = 1000,
) -> WaitAnswer:
    """Wait until a trial ends or an event of a kind arrives, up to 60 s; cheaper than polling.

    After a timeout wait again with the answer's `cursor` as `since`, or come back in
    `next_check_s`. Nothing that happens between two waits is missed that way. Waiting never
    touches a trial, and neither does breaking off a wait.
    """
    kinds, watched = _kinds(until), _watched(lab, trial_ids)
    cursor = position(since) if since is not None else _start(lab, watched)
    deadline = time.monotonic() + timeout_s
    while True:
        idle = until == "ended" and not _active(lab, watched)  # looked at before the events
        found, cursor = _news(lab, cursor, kinds, watched)
        if found:
            return _answer(lab, "event", found, cursor, max_tokens)
        if idle:
            return _answer(lab, "idle", [], cursor, max_tokens)
        if time.monotonic() >= deadline or closing.wait(min(POLL_S, timeout_s)):
            return _answer(lab, "timeout", [], cursor, max_tokens)


def _kinds(until: str) -> frozenset[str]:
    if until in KINDS:
        return frozenset({until})
    if until not in _UNTIL:
        known = [*_UNTIL, *KINDS]
        hint = did_you_mean(until, known)
        raise InvalidRequestError(
            f"until {until[:100]!r} is not allowed{hint}; one of: {', '.join(known)}"
        )
    return _UNTIL[until]


def _watched(lab: Lab, trial_ids: list[int] | None) -> set[int] | None:
    """Return the trials to watch, all of which exist; None for all."""
    return None if trial_ids is None else {lab.trial(trial_id).id for trial_id in trial_ids}


def _start(lab: Lab, watched: set[int] | None) -> int:
    """Return where to look from: the beginning for named trials, else now."""
    return 0 if watched is not None else lab.latest_event()


def _active(lab: Lab, watched: set[int] | None) -> bool:
    return any(watched is None or trial.id in watched for trial in lab.trials(states=ACTIVE))


def _news(
    lab: Lab, cursor: int, kinds: frozenset[str], watched: set[int] | None
) -> tuple[list[Event], int]:
    """Return the first page's events that are waited for, and the cursor after that page."""
    for events, after in _pages(lab, cursor):
        cursor = after
        found = [
            e for e in events if e.kind in kinds and (watched is None or e.trial_id in watched)
        ]
        if found:
            return found, cursor
    return [], cursor


def _pages(lab: Lab, cursor: int) -> Iterator[tuple[list[Event], int]]:
    more = True
    while more:
        page = lab.events(since=cursor, limit=MOST_EVENTS)
        cursor, more = page.cursor, page.more
        yield page.events, cursor


def _answer(
    lab: Lab,
    over: Literal["event", "timeout", "idle"],
    found: list[Event],
    cursor: int,
    max_tokens: int,
) -> WaitAnswer:
    rows = [event_row(event) for event in found]
    kept = first_rows(rows, max_tokens)
    after = cursor if len(kept) == len(rows) else kept[-1].seq
    return WaitAnswer(over=over, events=kept, cursor=after, next_check_s=next_check(lab))


TOOL = LabTool(lab_wait, title="Wait for an event", read_only=True, idempotent=True, waits=True)
