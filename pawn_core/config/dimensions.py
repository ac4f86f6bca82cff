"""The dimensions of a model that is trained from scratch: a named size, or some of one's own."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from pawn_core.config.architecture import (
    VARIANTS,
    Architecture,
    nearest_variant,
    resolve_architecture,
)
from pawn_core.config.base import BaseConfig
from pawn_core.config.idle import Idle
from pawn_core.config.types import FIXED_ON_RESUME

DIMENSIONS = frozenset(Architecture._fields)


class DimensionsConfig(BaseConfig):
    """A size by name, whose dimensions can be overridden one by one."""

    variants: ClassVar[Mapping[str, Architecture]] = VARIANTS
    """The named sizes."""

    variant: Any
    """Each class's own choice, a literal: one of the named sizes, or `custom`."""
    d_model: int | None = Field(
        None, ge=2, le=16_384, description="Width.", json_schema_extra=FIXED_ON_RESUME
    )
    n_layers: int | None = Field(
        None, ge=1, le=256, description="Transformer layers.", json_schema_extra=FIXED_ON_RESUME
    )
    n_heads: int | None = Field(
        None, ge=1, le=256, description="Attention heads.", json_schema_extra=FIXED_ON_RESUME
    )
    d_ff: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="Feed-forward width; default 4 x d_model.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    @model_validator(mode="after")
    def _check_architecture(self) -> Self:
        _ = self.architecture
        return self

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to; the dimensions are the variant's."""
        preset = self.variants.get(self.variant)
        width = self.d_model or (preset and preset.d_model)
        dimensions = preset._asdict() if preset else {}
        return super().follows() | dimensions | ({"d_ff": 4 * width} if width else {})

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing, and the variant that has most of the dimensions."""
        yield from super().idle_fields(on_gpu)
        nearest = nearest_variant(self.architecture, self.variant, self.variants)
        yield Idle("variant", nearest, None)

    @property
    def architecture(self) -> Architecture:
        """Resolved dimensions."""
        own = (self.d_model, self.n_layers, self.n_heads, self.d_ff)
        return resolve_architecture(self.variant, *own, self.variants)
