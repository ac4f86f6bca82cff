"""The event log: appended in the transaction of the change it reports, read by cursor."""

import json
import math
import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pawn_lab.records import Event, EventPage, Severity
from pawn_lab.states import State
from pawn_lab.store.transaction import Transaction
from pawn_lab.text import clean

Data = dict[str, Any]


def _killed(data: Data) -> Severity:
    """Whoever asked for a kill knows; that a rule or the budget did, or force was used, is news."""
    is_asked = data.get("reason", "killed") == "killed" and data.get("signal") != signal.SIGKILL
    return Severity.INFO if is_asked else Severity.WARNING


def _stopping(data: Data) -> Severity:
    """A machine that is about to stop may be kept; one that cannot be stopped goes on costing."""
    by_what = {"kept": Severity.INFO, "blocked": Severity.WARNING}
    return by_what.get(str(data.get("what")), Severity.CRITICAL)


KINDS: Mapping[str, Severity | Callable[[Data], Severity]] = MappingProxyType(
    {
        State.QUEUED: Severity.INFO,
        State.LAUNCHING: Severity.INFO,
        State.RUNNING: Severity.INFO,
        State.PAUSED: Severity.INFO,
        State.COMPLETED: Severity.INFO,
        State.FAILED: Severity.CRITICAL,
        State.KILLED: _killed,
        State.LOST: Severity.CRITICAL,
        "approved": Severity.INFO,
        "kill_requested": Severity.INFO,
        "stuck": Severity.WARNING,
        "checkpoint_rejected": Severity.WARNING,
        "adopted": Severity.WARNING,
        "cost": Severity.INFO,
        "budget": Severity.INFO,
        "budget_forecast": Severity.WARNING,
        "sweep": Severity.INFO,
        "early_stop": Severity.INFO,
        "tags": Severity.INFO,
        "storage": Severity.INFO,
        "executor": Severity.INFO,
        "disk": Severity.WARNING,
        "idle": Severity.WARNING,
        "keep": Severity.INFO,
        "stop": _stopping,
    }
)
"""A trial's new state, or what else may happen; and how much it matters, by its data at times."""


def severity(kind: str, data: Data) -> Severity:
    """Return how much an event matters; one of a later version is news."""
    rule = KINDS.get(kind, Severity.WARNING)
    return rule if isinstance(rule, Severity) else rule(data)


def append(
    tx: Transaction,
    kind: str,
    message: str,
    trial_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> int:
    """Append an event and return its number, the next in a sequence without gaps."""
    assert kind in KINDS, kind
    return tx.insert(
        "events",
        seq=last(tx) + 1,
        time=tx.now,
        trial_id=trial_id,
        kind=kind,
        message=clean(message),  # it may quote a path, which need not be text
        data=json.dumps(data or {}),
    )


def append_asked(
    tx: Transaction, kind: str, message: str, trial_id: int | None, caller: str | None, **data: Any
) -> None:
    """Append the event of what somebody asked for; it names who, where they said it."""
    by = f", asked by {caller}" if caller else ""
    append(tx, kind, message + by, trial_id, data | ({"by": caller} if caller else {}))


def page(tx: Transaction, since: int, limit: int) -> EventPage:
    """Return up to `limit` events after number `since`."""
    rows = tx.rows("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", since, limit + 1)
    events = [_event(row) for row in rows[:limit]]
    cursor = events[-1].seq if events else since
    return EventPage(events=events, cursor=cursor, more=len(rows) > limit)


def latest(tx: Transaction, count: int) -> list[Event]:
    """Return the newest events, oldest first."""
    return page(tx, max(0, last(tx) - count), count).events


def of_sweep(tx: Transaction, sweep_id: int) -> list[Event]:
    """Return what happened to a sweep and its points, oldest first."""
    sql = (
        "SELECT * FROM events WHERE kind IN ('sweep', 'early_stop') AND data ->> 'sweep' = ? "
        "ORDER BY seq"
    )
    return [_event(row) for row in tx.rows(sql, sweep_id)]


def of_trial(tx: Transaction, trial_id: int, most: int) -> list[Event]:
    """Return the newest events of a trial, oldest first."""
    sql = "SELECT * FROM events WHERE trial_id = ? ORDER BY seq DESC LIMIT ?"
    return [_event(row) for row in reversed(tx.rows(sql, trial_id, most))]


def asked_by(tx: Transaction, trial_id: int) -> str | None:
    """Return who asked for a trial, where its first event says so."""
    sql = "SELECT data ->> 'by' FROM events WHERE trial_id = ? ORDER BY seq LIMIT 1"
    return tx.value(sql, trial_id)


def of_kind(tx: Transaction, kind: str, since: float) -> list[Event]:
    """Return the events of a kind from a moment on, oldest first."""
    sql = "SELECT * FROM events WHERE kind = ? AND time >= ? ORDER BY seq"
    return [_event(row) for row in tx.rows(sql, kind, since)]


def latest_time(tx: Transaction, trial_id: int, kind: str) -> float:
    """Return when an event of a kind last happened to a trial; before any time where none did."""
    sql = "SELECT max(time) FROM events WHERE trial_id = ? AND kind = ?"
    latest = tx.value(sql, trial_id, kind)
    return -math.inf if latest is None else latest


def trials_since(tx: Transaction, since: int) -> set[int]:
    """Return the trials of the events after number `since`."""
    sql = "SELECT DISTINCT trial_id FROM events WHERE seq > ? AND trial_id IS NOT NULL"
    return {row["trial_id"] for row in tx.rows(sql, since)}


def last(tx: Transaction) -> int:
    """Return the newest event's number; 0 where there is none."""
    return tx.value("SELECT max(seq) FROM events") or 0


def _event(row: dict[str, Any]) -> Event:
    data = json.loads(row["data"])
    return Event(**row | {"data": data, "severity": severity(row["kind"], data)})
