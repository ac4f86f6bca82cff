"""How the tools write moments."""

from datetime import UTC, datetime
from typing import overload


@overload
def timestamp(unix_s: float) -> str: ...
@overload
def timestamp(unix_s: float | None) -> str | None: ...
def timestamp(unix_s: float | None) -> str | None:
    """Return a moment as UTC text, to the second; None stays None."""
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of_year(unix_s: float) -> str:
    """Return a moment of these days as `11-21 10:22:01`, UTC."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%m-%d %H:%M:%S")
