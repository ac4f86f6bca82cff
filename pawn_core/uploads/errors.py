"""Why an upload failed: for good or for now, and in words that hold no secret."""

import re
from collections.abc import Iterator

from pawn_core.checkpoint.errors import CheckpointError

_FOR_NOW = (408, 409, 412, 425, 429)
"""Answers of the 4xx kind that another try may change."""
_MOST_CHARACTERS = 300
_QUERY = re.compile(r"(https?://[^\s'\"<>?]*)\?[^\s'\"<>]*")  # signed addresses carry credentials
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{4,}|(?<=Bearer )\S+")


class RefusedError(Exception):
    """The destination will not have it, however often it is tried."""


class NotArrivedError(Exception):
    """The hub said yes, but what it has differs from what was sent."""


def is_permanent(error: BaseException) -> bool:
    """Whether trying again is useless: refused, not allowed, not there, or damaged here."""
    if isinstance(error, RefusedError | CheckpointError):
        return True
    if any(type(cause).__name__ == "XetAuthenticationError" for cause in _chain(error)):
        return True
    status = http_status(error)
    return status is not None and 400 <= status < 500 and status not in _FOR_NOW


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status that an error, or what caused it, stands for."""
    for cause in _chain(error):
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
    return None


def retry_after_s(error: BaseException) -> float | None:
    """Return how long the hub asks to be left alone, in seconds."""
    for cause in _chain(error):
        headers = getattr(getattr(cause, "response", None), "headers", {})
        if (seconds := str(headers.get("Retry-After", ""))).isdecimal():
            return float(seconds)
    return None


def described(error: BaseException) -> str:
    """Return one line about an error and its first cause."""
    if isinstance(error, RefusedError):
        return str(error)
    last = list(_chain(error))[-1]
    causes = [error] if last is error else [error, last]
    return redacted(", caused by ".join(f"{type(cause).__name__}: {cause}" for cause in causes))


def redacted(text: str) -> str:
    """Return a text on one line, without tokens and without the query parts of addresses."""
    clean = _TOKEN.sub("***", _QUERY.sub(r"\1", " ".join(text.split())))
    return clean if len(clean) <= _MOST_CHARACTERS else f"{clean[:_MOST_CHARACTERS]}..."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Walk from an error to what it was raised from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__
