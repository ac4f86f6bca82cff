"""Pretraining: one model of some size, on random games."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pawn_core.config.architecture import (
    VARIANTS,
    Architecture,
    nearest_variant,
    resolve_architecture,
)
from pawn_core.config.games import GamesConfig
from pawn_core.config.idle import Idle
from pawn_core.config.types import FIXED_ON_RESUME


class PretrainConfig(GamesConfig):
    """Train a model from scratch to predict the next move of random games."""

    rarely_set: ClassVar[frozenset[str]] = GamesConfig.rarely_set | (
        {"d_model", "n_layers", "n_heads", "d_ff"}
    )
    pace_fields: ClassVar[frozenset[str]] = GamesConfig.pace_fields | (
        {"variant", "d_model", "n_layers", "n_heads", "d_ff"}
    )

    run_type: Literal["pretrain"] = Field(
        "pretrain", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )

    # Model
    variant: Literal["toy", "small", "base", "large", "custom"] = Field(
        "base",
        description="Model size; its dimensions can be overridden one by one.",
        json_schema_extra=FIXED_ON_RESUME,
    )
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
        resolve_architecture(self.variant, self.d_model, self.n_layers, self.n_heads, self.d_ff)
        return self

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to; the dimensions are the variant's."""
        preset = VARIANTS.get(self.variant)
        width = self.d_model or (preset and preset.d_model)
        dimensions = preset._asdict() if preset else {}
        return super().follows() | dimensions | ({"d_ff": 4 * width} if width else {})

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing, and the variant that has most of the dimensions."""
        yield from super().idle_fields(on_gpu)
        yield Idle("variant", nearest_variant(self.architecture, self.variant), None)

    @property
    def architecture(self) -> Architecture:
        """Resolved dimensions."""
        return resolve_architecture(
            self.variant, self.d_model, self.n_layers, self.n_heads, self.d_ff
        )

    @property
    def real_size(self) -> bool:
        """Every variant but the toy."""
        return self.variant != "toy"
