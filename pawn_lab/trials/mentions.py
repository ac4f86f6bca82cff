"""Which trials a text names."""

import re
from collections.abc import Iterator

_NUMBER = r"\d{1,9}\b(?!\.\d)"
_BETWEEN = r"(?:[-\u2013]|\s*[,;&/]\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+)#?"
_ONE = re.compile(
    rf"(?:\btrial(?:[\s_]?(?:id|number|no\.?))?[\s:=#]*|(?<!\w)#)({_NUMBER})", re.IGNORECASE
)
_SEVERAL = re.compile(
    rf"\btrial(?:s|[\s_]ids)\b[\s:=#(\[]*({_NUMBER}(?:{_BETWEEN}{_NUMBER})*)", re.IGNORECASE
)
_SPAN = re.compile(r"(\d+)(?:[-\u2013](\d+))?")
_LONGEST_SPAN = 1000


def trials_named(text: str) -> set[int]:
    """Return the numbers in `trial 3`, `trials 3, 5 and 7-9`, `trial_ids=[3, 5]`, `#3`."""
    one = {int(number) for number in _ONE.findall(text)}
    return one | {number for listed in _SEVERAL.findall(text) for number in _numbers(listed)}


def _numbers(listed: str) -> Iterator[int]:
    for first, last in _SPAN.findall(listed):
        yield int(first)
        if last and int(last) - int(first) <= _LONGEST_SPAN:
            yield from range(int(first), int(last) + 1)
