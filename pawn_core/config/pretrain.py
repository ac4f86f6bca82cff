"""Pretraining: one model of some size, on random games."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pawn_core.config.architecture import Architecture, resolve_architecture
from pawn_core.config.games import GamesConfig
from pawn_core.config.types import FIXED_ON_RESUME


class PretrainConfig(GamesConfig):
    """Train a model from scratch to predict the next move of random games."""

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
    def _resolve_architecture(self) -> Self:
        dimensions = resolve_architecture(
            self.variant, self.d_model, self.n_layers, self.n_heads, self.d_ff
        )
        self.__dict__.update(dimensions._asdict())
        return self

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
