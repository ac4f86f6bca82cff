"""Text from outside made safe to show: no escape sequence, control code or hidden direction."""

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS, SOS, PM, APC: titles, links
    r"|\x1b[ -/]*[0-~]"  # other two-character escapes
)
# C0 and C1 controls but tab and newline; bidirectional, zero-width and other unseen marks (Unicode
# TR 36); the plane of tags and the variation selectors, in which text can be hidden; surrogates.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u070f\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """Return text without escape sequences, control codes and invisible direction marks."""
    return _HIDDEN.sub("", _ESCAPES.sub("", text))


def clean_line(line: str) -> str:
    """Return a terminal line as it would be left on screen: what follows the last return."""
    visible = line.rstrip("\r").rpartition("\r")[2]
    return clean(visible).replace("\n", " ")


def shorten(text: str, most: int) -> str:
    """Cut text to a length, saying how much is missing."""
    if len(text) <= most:
        return text
    note = f"... [{len(text) - most} more characters]"
    return text[:most] + note
