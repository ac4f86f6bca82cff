"""Cursors: what pages pass as `since`, written by each view in its own form."""

import re

from pawn_lab.errors import InvalidRequestError

_MOST_SHOWN = 60


def matched(form: re.Pattern[str], text: str) -> re.Match[str]:
    """Return the parts of a cursor of a form.

    Raises:
        InvalidRequestError: it is no such cursor.
    """
    match = form.fullmatch(text)
    if match is None:
        raise InvalidRequestError(
            f"since {text[:_MOST_SHOWN]!r} is not allowed: the cursor of an earlier answer"
        )
    return match
