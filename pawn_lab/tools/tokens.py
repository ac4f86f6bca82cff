"""How many tokens an answer costs its reader, estimated without a tokenizer's vocabulary.

Byte-pair tokenizers split text into words, numbers and punctuation first and merge within those
pieces. Counted here are pieces of at most 7 letters, 3 digits or 2 other characters: what a
frequent piece of that kind comes to. Spaces go with the word that follows.
"""

import re
from typing import Any

from pydantic_core import to_json

_PIECE = re.compile(r"[^\W\d_]{1,7}|\d{1,3}|[^\w\s]{1,2}|_|\n+")
PICTURE_PIXELS = 750
"""Pixels of a picture to a token."""


def count_text(text: str) -> int:
    """Return about how many tokens a text has."""
    return sum(1 for _ in _PIECE.finditer(text))


def count(value: Any) -> int:
    """Return about how many tokens a JSON value has on the wire."""
    return count_text(to_json(value).decode())


def count_picture(width: int, height: int) -> int:
    """Return about how many tokens a picture of so many pixels has."""
    return round(width * height / PICTURE_PIXELS)
