"""What every config can do, whatever its fields: fill in, and say what is without effect."""

import functools
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import to_jsonable_python

from pawn_core.config.idle import Idle


class BaseConfig(BaseModel):
    """Fields that are checked and bounded; unknown ones are refused."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _integral_floats_to_int(cls, raw: Any) -> Any:
        """Accept `2e5` where an integer is due: JSON has one number type."""
        if not isinstance(raw, dict):
            return raw
        floats = {n: _as_integer(value) for n, value in raw.items() if isinstance(value, float)}
        return raw | floats

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        """Give null fields what follows for them, without marking them as set by the caller.

        Some follow from others that were null before.
        """
        while null := {f: v for f, v in self.follows().items() if getattr(self, f) is None != v}:
            self.__dict__.update(null)
        return self

    def follows(self) -> dict[str, Any]:
        """Return what fields come to that are null: what the others decide for them."""
        return {}

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing; `on_gpu` None: the device is not known."""
        yield from ()

    def no_effect(self, on_gpu: bool | None = None) -> dict[str, str]:
        """Return the fields that were set to no effect, each with the reason."""
        defaults = type(self).model_fields
        return {
            field: why
            for field, instead, why in self.idle_fields(on_gpu)
            if why is not None
            and getattr(self, field) not in (instead, defaults[field].default)
            and getattr(self, field) != self.follows().get(field)
        }

    def settings(self, on_gpu: bool | None = None) -> dict[str, Any]:
        """Return what makes the run, as JSON: equal for configs that come to the same run.

        Fields without an effect have their plain value, and what follows from others is left out.
        """
        config = self
        while changes := {
            field: instead
            for field, instead, _ in config.idle_fields(on_gpu)
            if getattr(config, field) != instead
        }:
            config = type(config).model_validate(config.model_dump() | changes)
        return config._chosen()

    def _chosen(self) -> dict[str, Any]:
        """Return the values without those that follow from others."""
        follows = self.follows()
        values = self.model_dump(mode="json")
        return {n: v for n, v in values.items() if n not in follows or v != follows[n]}

    @classmethod
    @functools.cache
    def defaults(cls) -> Mapping[str, Any]:
        """Return the defaults of the fields that have one, as JSON has them."""
        values = {
            name: field.get_default(call_default_factory=True)
            for name, field in cls.model_fields.items()
            if not field.is_required()
        }
        return MappingProxyType(to_jsonable_python(values))

    @classmethod
    def fields_marked(cls, mark: str) -> list[str]:
        """Return the fields that carry a schema mark of `pawn_core.config.types`."""
        return [
            name
            for name, field in cls.model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(mark)
        ]


def _as_integer(value: float) -> int | float:
    """Return an integral float as an integer where a float is exact, another as it is."""
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value
