"""Checked requests: everything a caller may say, bounded before it reaches the store."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pawn_lab.errors import IdempotencyConflictError, InvalidRequestError
from pawn_lab.states import State
from pawn_lab.store.database import LARGEST_ID
from pawn_lab.store.rows import TrialRow
from pawn_lab.text import clean

MOST_TAGS = 20
MOST_TAG_CHARACTERS = 64
MOST_HYPOTHESIS_CHARACTERS = 2000
MOST_REASON_CHARACTERS = 500
MOST_KEY_CHARACTERS = 200
PRIORITIES = range(-1000, 1001)
MOST_EVENTS = 1000
MOST_HOURS = 10_000.0


@dataclass(frozen=True)
class Request:
    """A launch or resume as the caller asked for it; `digest` tells equal ones."""

    priority: int
    idempotency_key: str | None
    digest: str

    def without_key(self) -> "Request":
        """Return the request of a further trial of the same launch: a key stands for the first."""
        return replace(self, idempotency_key=None)

    def columns(self) -> dict[str, Any]:
        """Return the columns of the trial's row that the request decides."""
        return {
            "priority": self.priority,
            "idempotency_key": self.idempotency_key,
            "request_hash": self.digest,
        }


def request(priority: int, idempotency_key: str | None, **asked: Any) -> Request:
    """Check what launch and resume have in common.

    Raises:
        InvalidRequestError: names the argument, its value and what is allowed.
    """
    if type(priority) is not int or priority not in PRIORITIES:
        raise InvalidRequestError(
            f"priority {priority!r} is not allowed: a whole number, "
            f"{PRIORITIES.start} to {PRIORITIES.stop - 1}"
        )
    if idempotency_key is not None and not 1 <= len(idempotency_key) <= MOST_KEY_CHARACTERS:
        raise InvalidRequestError(
            f"idempotency_key has {len(idempotency_key)} characters; allowed: 1 to "
            f"{MOST_KEY_CHARACTERS}"
        )
    return Request(priority, idempotency_key, _digest(asked))


def check_same(existing: TrialRow, repeated: Request) -> None:
    """Refuse an idempotency key that was used for something else.

    Raises:
        IdempotencyConflictError: the first request with this key was a different one.
    """
    if existing.request_hash != repeated.digest:
        raise IdempotencyConflictError(
            f"idempotency_key {repeated.idempotency_key!r} belongs to trial {existing.id}, "
            "which was asked for differently; use a new key for a new trial"
        )


def checked_tags(tags: Sequence[str]) -> list[str]:
    """Return tags without repetition.

    Raises:
        InvalidRequestError: too many, or one that is empty, too long or not plain text.
    """
    unique = list(dict.fromkeys(tags))
    if len(unique) > MOST_TAGS:
        raise InvalidRequestError(f"{len(unique)} tags are too many; allowed: {MOST_TAGS}")
    for tag in unique:
        if not 1 <= len(tag) <= MOST_TAG_CHARACTERS or clean(tag) != tag or not tag.isprintable():
            raise InvalidRequestError(
                f"tag {tag[:MOST_TAG_CHARACTERS]!r} is not allowed: 1 to {MOST_TAG_CHARACTERS} "
                "printable characters"
            )
    return unique


def checked_hypothesis(hypothesis: str | None) -> str | None:
    """Return the hypothesis without control codes.

    Raises:
        InvalidRequestError: it is too long.
    """
    if hypothesis is not None and len(hypothesis) > MOST_HYPOTHESIS_CHARACTERS:
        raise InvalidRequestError(
            f"hypothesis has {len(hypothesis)} characters; allowed: {MOST_HYPOTHESIS_CHARACTERS}"
        )
    return hypothesis and clean(hypothesis)


def checked_reason(reason: str | None) -> str:
    """Return why a trial is killed, without control codes.

    Raises:
        InvalidRequestError: it is too long.
    """
    if reason is not None and len(reason) > MOST_REASON_CHARACTERS:
        raise InvalidRequestError(
            f"reason has {len(reason)} characters; allowed: {MOST_REASON_CHARACTERS}"
        )
    return clean(reason or "") or "no reason given"


def checked_states(states: Iterable[State | str] | None) -> list[State] | None:
    """Return states by their names.

    Raises:
        InvalidRequestError: a name that is no state.
    """
    if states is None:
        return None
    names = [states] if isinstance(states, str) else list(states)
    for state in names:
        if state not in list(State):
            raise InvalidRequestError(f"state {state!r} is unknown; one of: {', '.join(State)}")
    return [State(state) for state in names]


def checked_hours(hours: float | None) -> float | None:
    """Return a limit to a trial's time.

    Raises:
        InvalidRequestError: not a number of hours above 0, up to `MOST_HOURS`.
    """
    if hours is not None and not 0 < hours <= MOST_HOURS:
        raise InvalidRequestError(
            f"max_hours {hours} is not allowed: above 0, up to {MOST_HOURS:g}"
        )
    return hours


def check_page(since: int, limit: int) -> None:
    """Check a cursor and a page size.

    Raises:
        InvalidRequestError: either is out of range.
    """
    if not 0 <= since <= LARGEST_ID:
        raise InvalidRequestError(f"since {since} is not allowed: 0 or a cursor from before")
    if not 1 <= limit <= MOST_EVENTS:
        raise InvalidRequestError(f"limit {limit} is not allowed: 1 to {MOST_EVENTS}")


def check_reached(since: int, newest: int, what: str) -> None:
    """Refuse a cursor that lies ahead of what there is: nothing would ever be new to it.

    Raises:
        InvalidRequestError: names the newest.
    """
    if since > newest:
        raise InvalidRequestError(
            f"since {since} is beyond the newest {what}, {newest}: it is a cursor of another lab, "
            "of another tool, or from before a backup was restored; leave since out to read all"
        )


def _digest(asked: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
