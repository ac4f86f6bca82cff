"""Values that the tools share: checked arguments in, compact numbers out."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
)

from pawn_core.config import PretrainConfig, RunConfig
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

    def columns(self, field: str, value: Any) -> dict[str, Any]:
        """Return a field's value by what it is called where the row is sent and shown."""
        return {field: value}

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


class RunRow(Answer):
    """A row about a trial: columns are called after its run type's progress and metric of merit.

    `named` says how, by field: `last_{metric}` becomes `last_val_loss`, `{unit}s` becomes `steps`.
    """

    named: ClassVar[Mapping[str, str]] = {}
    _kind: type[RunConfig] = PrivateAttr(PretrainConfig)

    @classmethod
    def for_kind(cls, kind: type[RunConfig], **values: Any) -> Self:
        """Make the row of a trial of a run type."""
        row = cls.model_validate(values)
        row._kind = kind
        return row

    def columns(self, field: str, value: Any) -> dict[str, Any]:
        """Return a field's value by what this run type calls it."""
        metric, unit = self._kind.merit.metric, self._kind.progress.unit
        return {self.named.get(field, field).format(metric=metric, unit=unit): value}

    @model_serializer(mode="wrap")
    def _named(self, serialize: SerializerFunctionWrapHandler):  # annotated, it hides the fields
        pairs = (self.columns(*pair).items() for pair in serialize(self).items())
        return dict(chain.from_iterable(pairs))


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


def columns_of(rows: Sequence[Answer]) -> dict[str, list[Any]]:
    """Return the values of rows of one class by column, field by field; None where one has none."""
    columns: dict[str, list[Any]] = {}
    for field in type(rows[0]).model_fields:
        for number, row in enumerate(rows):
            for name, value in row.columns(field, getattr(row, field)).items():
                columns.setdefault(name, [None] * len(rows))[number] = value
    return columns


def as_table(rows: Sequence[Answer]) -> Any:
    """Return rows as lists of values in the order of `columns`, which are named once; of none [].

    Columns in which no row has a value are left out.
    """
    if not rows:
        return []
    sent = [row.wire() for row in rows]
    columns = [name for name in columns_of(rows) if any(name in row for row in sent)]
    return {"columns": columns, "rows": [[row.get(c) for c in columns] for row in sent]}


RowT = TypeVar("RowT", bound=Answer)
Table = Annotated[
    list[RowT],
    PlainSerializer(as_table, return_type=Any, when_used="json"),
    WithJsonSchema({"type": ["object", "array"]}, mode="serialization"),
]
"""Rows that are sent with the names of their fields told once."""
