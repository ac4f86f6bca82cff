"""What a view is: a question that a page asks, answered from the lab in plain JSON values."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pawn_lab.lab import Lab
from pawn_lab.lab.functions import LabFunction, Schema
from pawn_lab.store.failures import translated
from pawn_lab.text import secret_mask

SIGNIFICANT_DIGITS = 6
"""Of the numbers of a column: finer than any screen draws."""


@dataclass(frozen=True)
class View(LabFunction):
    """A question of a page; `run` returns a JSON object in which arrays may stand for columns.

    Its arguments may come as the text of an address: `1,2,5` for a list, `true` for a flag.
    """

    run: Callable[..., dict[str, Any]]

    def __call__(self, lab: Lab, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check the arguments and answer: numbers are finite or null, secrets masked.

        Raises:
            InvalidRequestError: an argument is unknown, missing or out of range.
            LabError: what the lab refused, and why.
        """
        given = self.checked(arguments)
        with translated(lab.paths.root), lab.one_pass():
            return plain(self.run(lab, **given), _remembered(secret_mask()))

    def read(self, value: Any, spec: Schema) -> Any:
        """Return a value as its property means it; of a list, its items between commas."""
        value = super().read(value, spec)
        if value is None or isinstance(value, list) or not _takes_list(spec):
            return value
        return value.split(",") if isinstance(value, str) else [value]


def _takes_list(spec: Schema) -> bool:
    return any(option.get("type") == "array" for option in spec.get("anyOf", [spec]))


def plain(value: Any, mask: Callable[[str], str]) -> Any:
    """Return a value as strict JSON has it: columns as lists, null for what is not finite."""
    match value:
        case str():
            return mask(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {mask(str(name)): plain(item, mask) for name, item in value.items()}
        case list() | tuple():
            return [plain(item, mask) for item in value]
        case np.ndarray():
            return column(value)
    return value


def column(numbers: np.ndarray) -> list[int | float | None]:
    """Return a column's numbers, rounded; whole ones as integers, null for what is not finite."""
    if not np.isfinite(numbers).all():
        return [rounded(n) if math.isfinite(n) else None for n in numbers.tolist()]
    if (numbers == np.floor(numbers)).all() and (np.abs(numbers) < 2**53).all():
        return numbers.astype(np.int64).tolist()
    return [rounded(number) for number in numbers.tolist()]


def rounded(number: float) -> float:
    """Return a number with the digits that pages show."""
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}")


def _remembered(mask: Callable[[str], str]) -> Callable[[str], str]:
    """Return a mask that looks at each text once: the rows of an answer repeat theirs."""
    seen: dict[str, str] = {}

    def masked(text: str) -> str:
        if text not in seen:
            seen[text] = mask(text)
        return seen[text]

    return masked
