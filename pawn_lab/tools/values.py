"""Values that the tools share: checked arguments in, compact numbers out."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from pawn_lab.text import secret_mask

SIGNIFICANT_DIGITS = 4


def compact(number: Any) -> Any:
    """Round to four significant digits; a number that is not finite becomes None."""
    if not isinstance(number, float):
        return number
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(number) else None


def rounded(number: float | None) -> float | None:
    """Round to hundredths what grows by itself; None stays None."""
    return None if number is None else round(number, 2)


def parsed(value: Any) -> Any:
    """Parse JSON text where an object or a list is due: some clients send nested JSON as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


Number = Annotated[float | None, BeforeValidator(compact)]
Coordinate = Annotated[int | float, BeforeValidator(compact)]
JsonObject = dict[str, Any]
TrialId = Annotated[int, Field(description="Trial number.")]
Tag = Annotated[str | None, Field(description="Only this tag.")]


class Answer(BaseModel):
    """What a tool returns; fields without a value are left out on the wire."""

    model_config = ConfigDict(extra="forbid")

    files: ClassVar[tuple[str, ...]] = ()
    """Fields that name a file, relative to the workspace."""

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that is sent."""
        return self.model_dump(mode="json", exclude_none=True)

    def shown(self) -> list[str]:
        """Return the names of the fields that are shown, in order."""
        return list(type(self).model_fields)

    def masked(self) -> Self:
        """Return the answer without what looks like a secret, wherever the text comes from."""
        _mask_fields(self, secret_mask())
        return self

    @classmethod
    def output_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of what is sent."""
        return cls.model_json_schema(mode="serialization")

    @property
    def all_clear(self) -> bool:
        """Whether a script may go on after this answer: `pawn-lab VERB && NEXT`."""
        return True

    def pictures(self) -> list[bytes]:
        """Return PNG images that are sent beside the object."""
        return []


def _mask_fields(answer: BaseModel, mask: Callable[[str], str]) -> None:
    for name in type(answer).model_fields:
        setattr(answer, name, _masked(getattr(answer, name), mask))


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    match value:
        case str():
            masked = mask(value)
            return value if masked == value else masked  # an enum stays one
        case dict():
            return {_masked(key, mask): _masked(item, mask) for key, item in value.items()}
        case list() | tuple():
            return type(value)(_masked(item, mask) for item in value)
        case BaseModel():
            _mask_fields(value, mask)
    return value


def as_table(rows: Sequence[Answer]) -> Any:
    """Return rows as lists of values in the order of `columns`, which are named once; of none [].

    Columns in which no row has a value are left out.
    """
    if not rows:
        return []
    sent = [row.wire() for row in rows]
    fields = type(rows[0]).model_fields
    columns = [name for name in fields if any(name in row for row in sent)]
    return {"columns": columns, "rows": [[row.get(c) for c in columns] for row in sent]}


RowT = TypeVar("RowT", bound=Answer)
Table = Annotated[
    list[RowT],
    PlainSerializer(as_table, return_type=Any, when_used="json"),
    WithJsonSchema({"type": ["object", "array"]}, mode="serialization"),
]
"""Rows that are sent with the names of their fields told once."""
