"""Where events are sent to: an address of the web that takes JSON.

The queue is the event log itself: what is delivered is a cursor in it, on the disk, which moves
once the address has taken a message. So a message may come twice, and none is lost.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pawn_lab.documents import read_json_object, write_cache, write_json
from pawn_lab.errors import InvalidRequestError, NotDeliveredError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Event, Severity
from pawn_lab.store.database import LARGEST_ID
from pawn_lab.text import MASK, clean, mask_secrets, shorten

TIMEOUT_S = 10.0
FIRST_RETRY_S, LATEST_RETRY_S = 15.0, 900.0
_TOLD_FAILURES = 3
"""Failures in a row that are worth a word; a network may be away for a moment."""
MOST_EVENTS = 20
"""Of one message; further ones go with the next."""
_MOST_CHARACTERS = 1900  # Discord takes 2,000
_LATEST = 253_402_300_799.0  # the end of the year 9999, beyond which no date is written
_SCHEMES = ("http", "https")
_MENTION = re.compile(r"<(?=[!@#])")  # Slack: <!channel> calls everybody
_HEADERS = {
    # ntfy shows the body as it is, unless it is told which field is the message; others ignore it.
    "X-Template": "yes",
    "X-Title": "PAWN lab",
    "X-Message": "{{.text}}",
    "User-Agent": "pawn-lab",
}


class Webhook(BaseModel):
    """An address, which may hold a secret, and what is sent there."""

    model_config = ConfigDict(frozen=True)

    url: str
    min_severity: Severity = Severity.WARNING

    @classmethod
    def of(cls, paths: WorkspacePaths) -> Self | None:
        """Return the webhook of a lab; None where none is set."""
        try:
            return cls.model_validate(read_json_object(paths.webhook, paths.root))
        except ValidationError:
            return None

    @property
    def place(self) -> str:
        """The address without what may be secret in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}/{MASK}"


class Delivery(BaseModel):
    """Up to which event all was delivered, and what has kept further ones from it since when."""

    cursor: Annotated[int, Field(ge=0, le=LARGEST_ID)]
    failures: Annotated[int, Field(ge=0)] = 0
    failing_since: Annotated[float | None, Field(ge=0, le=_LATEST)] = None
    error: str | None = None
    retry_at: float = 0.0

    @classmethod
    def of(cls, paths: WorkspacePaths) -> Self | None:
        """Return how far deliveries are; None where nothing is known."""
        try:
            return cls.model_validate(read_json_object(paths.webhook_state, paths.root))
        except ValidationError:
            return None

    def write(self, paths: WorkspacePaths) -> None:
        """Keep it, where the disk has room."""
        write_cache(paths.webhook_state, self.model_dump_json().encode())

    def delivered(self, cursor: int) -> Self:
        """Return the delivery after a message was taken."""
        return type(self)(cursor=cursor)

    def failed(self, error: NotDeliveredError, now: float) -> Self:
        """Return the delivery after a message was not taken: each try waits twice as long."""
        wait_s = min(LATEST_RETRY_S, FIRST_RETRY_S * 2 ** min(self.failures, 16))
        return self.model_copy(
            update={
                "failures": self.failures + 1,
                "failing_since": self.failing_since or now,
                "error": str(error),
                "retry_at": now + max(wait_s, min(LATEST_RETRY_S, error.retry_after_s)),
            }
        )


def set_up(paths: WorkspacePaths, hook: Webhook, cursor: int) -> None:
    """Send events from now on; the file is for its owner's eyes alone."""
    write_json(paths.webhook, hook.model_dump(mode="json"), mode=0o600)
    Delivery(cursor=cursor).write(paths)


def retry(paths: WorkspacePaths) -> None:
    """Let what waits for the next try be sent at once, and count failures anew."""
    if (delivery := Delivery.of(paths)) is not None:
        delivery.delivered(delivery.cursor).write(paths)


def remove(paths: WorkspacePaths) -> bool:
    """Send nothing any more; say whether anything was sent."""
    existed = os.path.lexists(paths.webhook)
    for file in (paths.webhook, paths.webhook_state):
        file.unlink(missing_ok=True)
    return existed


def checked_address(url: str) -> str:
    """Return an address that can be sent to.

    Raises:
        InvalidRequestError: it is not of the web; says what is allowed, and nothing of a secret.
    """
    with contextlib.suppress(ValueError):
        parts = urlsplit(url.strip())
        if parts.scheme in _SCHEMES and parts.hostname and parts.port != 0:
            return url.strip()
    scheme = url.partition(":")[0][:20]
    raise InvalidRequestError(
        f"an address of scheme {scheme!r} is not allowed: http://HOST/.. or https://HOST/.."
    )


def greeting(lab: str) -> dict[str, Any]:
    """Return the message that shows that messages arrive."""
    return payload(lab, "this is a test: events of this lab will arrive here", [])


def payload(lab: str, headline: str, events: Sequence[Event]) -> dict[str, Any]:
    """Return the message of some events, or of none: the same text where Slack and Discord look."""
    lines = [f"{lab}: {headline}", *(_line(event) for event in events)]
    text = _plain(shorten("\n".join(lines), _MOST_CHARACTERS - 40))
    return {
        "text": text,
        "content": text,
        "allowed_mentions": {"parse": []},
        "lab": lab,
        "headline": _plain(headline),
        "severity": worst(events),
        "events": [_fields(event) for event in events],
    }


def worst(events: Iterable[Event]) -> Severity:
    """Return how much the event matters that matters most."""
    order = list(Severity)
    return max((event.severity for event in events), key=order.index, default=Severity.INFO)


def _line(event: Event) -> str:
    trial = f"trial {event.trial_id} " if event.trial_id is not None else ""
    return f"{event.severity}: {trial}{event.kind}: {event.message}"


def _fields(event: Event) -> dict[str, Any]:
    fields = event.model_dump(include={"seq", "time", "trial_id", "kind", "severity"}, mode="json")
    return fields | {"message": _plain(event.message)}


def _plain(text: str) -> str:
    """Return text that tells no secret and calls nobody."""
    return _MENTION.sub("< ", mask_secrets(text))


def post(url: str, message: dict[str, Any]) -> None:
    """Send a message.

    Raises:
        NotDeliveredError: it was not taken; says why, without the address.
    """
    _call("the webhook", "POST", url, json=message, headers=_HEADERS)


def ping(url: str) -> None:
    """Call an address that waits to be called.

    Raises:
        NotDeliveredError: it did not take the call; says why, without the address.
    """
    _call("the address of --ping", "GET", url)


def _call(who: str, method: str, url: str, **content: Any) -> None:
    """Make a request; no redirection is followed, and the answer's text is not read."""
    import httpx2  # Late: few commands send anything.

    try:
        with httpx2.stream(
            method, url, timeout=TIMEOUT_S, follow_redirects=False, **content
        ) as answer:
            status, retry = answer.status_code, answer.headers.get("retry-after", "")
    except httpx2.TimeoutException:
        raise NotDeliveredError(f"{who} gave no answer within {TIMEOUT_S:g} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
        raise NotDeliveredError(f"{who} cannot be reached ({type(error).__name__})") from None
    if not 200 <= status < 300:
        after_s = float(retry) if retry.isascii() and retry.isdigit() else 0.0
        raise NotDeliveredError(f"{who} answered HTTP {status}", after_s)


def faults(paths: WorkspacePaths) -> list[str]:
    """Say that events are not delivered; nothing where they are."""
    delivery = Delivery.of(paths)
    if delivery is None or delivery.failures < _TOLD_FAILURES or Webhook.of(paths) is None:
        return []
    since = time.strftime("%m-%d %H:%M", time.gmtime(delivery.failing_since))
    return [
        f"Events have not been delivered since {since} UTC, {delivery.failures} tries: "
        f"{clean(delivery.error or '')}; `pawn-lab webhook test` tries again."
    ]
