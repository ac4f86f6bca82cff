"""Sends what happened to the webhook, and what the disk had no room for."""

import platform
from collections.abc import Callable

from pawn_lab.alarms.webhook import LATEST_RETRY_S, MOST_EVENTS, Delivery, Webhook, payload, post
from pawn_lab.errors import NotDeliveredError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Event
from pawn_lab.tools.status import lab_status


class Courier:
    """Delivers a lab's events in order; where one is not taken, the next try has to wait."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._kept: Delivery | None = None
        """As the disk has it, or would have had there been room."""
        self._trouble: str | None = None
        """Of the workspace, as it was last sent."""

    def deliver(self, lab: Lab, now: float) -> None:
        """Send the events since the last delivery that matter enough, and trouble of the disk."""
        hook = Webhook.of(lab.paths)
        if hook is None:
            self._kept = None
            return
        delivery = self._delivery(lab)
        if now < delivery.retry_at <= now + LATEST_RETRY_S:
            return
        events, cursor = _waiting(lab, hook, delivery.cursor)
        trouble = str(lab.refusal) if lab.refusal else None
        if not events and trouble in (None, self._trouble):
            self._keep(lab, delivery, delivery.delivered(cursor))
            self._trouble = trouble
            return
        try:
            post(hook.url, payload(place(lab), lab_status(lab, rows=0).headline, events))
        except NotDeliveredError as error:
            self._say(f"not delivered to {hook.place}: {error}")
            self._keep(lab, delivery, delivery.failed(error, now))
            return
        self._keep(lab, delivery, delivery.delivered(cursor))
        self._trouble = trouble

    def _delivery(self, lab: Lab) -> Delivery:
        """Return how far deliveries are: by the disk, unless it had no room for our last word."""
        written, kept = Delivery.of(lab.paths), self._kept
        if kept is not None and (written is None or written.cursor < kept.cursor):
            return kept
        return written or Delivery(cursor=queries.latest_event(lab))

    def _keep(self, lab: Lab, before: Delivery, after: Delivery) -> None:
        self._kept = after
        if after != before:
            after.write(lab.paths)


def place(lab: Lab) -> str:
    """Return what a lab is called in messages."""
    return f"{platform.node()}:{lab.paths.root.name}"


def _waiting(lab: Lab, hook: Webhook, cursor: int) -> tuple[list[Event], int]:
    """Return the next events to be sent, and the cursor once they are."""
    waiting: list[Event] = []
    for page in queries.event_pages(lab, min(cursor, queries.latest_event(lab))):
        for event in page.events:
            if len(waiting) == MOST_EVENTS:
                return waiting, cursor
            cursor = event.seq
            waiting += [event] if event.severity.reaches(hook.min_severity) else []
    return waiting, cursor
