"""Pretraining: one model of some size, on random games."""

from typing import ClassVar, Literal

from pydantic import Field

from pawn_core.config.dimensions import DIMENSIONS, DimensionsConfig
from pawn_core.config.games import GamesConfig
from pawn_core.config.types import FIXED_ON_RESUME


class PretrainConfig(DimensionsConfig, GamesConfig):
    """Train a model from scratch to predict the next move of random games."""

    rarely_set: ClassVar[frozenset[str]] = GamesConfig.rarely_set | DIMENSIONS
    pace_fields: ClassVar[frozenset[str]] = GamesConfig.pace_fields | DIMENSIONS | {"variant"}

    run_type: Literal["pretrain"] = Field(
        "pretrain", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )

    # Model
    variant: Literal["toy", "small", "base", "large", "custom"] = Field(
        "base",
        description="Size; its dimensions can be overridden one by one.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    @property
    def real_size(self) -> bool:
        """Every variant but the toy."""
        return self.variant != "toy"
