"""Which positions a run learns from: a folder of shards, a mixture of domains, augmentation."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pawn_core.config.base import BaseConfig
from pawn_core.config.errors import did_you_mean, shown
from pawn_core.config.facts import PathKind
from pawn_core.config.types import ABLATION, Fraction

DOMAIN_WEIGHTS: Mapping[str, float] = {
    "teacher": 0.40,
    "external": 0.0,
    "openings": 0.12,
    "king_safety": 0.08,
    "weaknesses": 0.08,
    "positional": 0.08,
    "endgames": 0.12,
    "tactical": 0.12,
}
"""The domains in the order of sequential phases, and how much each counts by default."""
DOMAINS = tuple(DOMAIN_WEIGHTS)
LEARNED = frozenset(
    {"positions", "domain_order", "domain_weights", "domain_stages", "mirror", "colour_flip"}
    | {"piece_mask_ratio", "piece_mask_share"}
)
"""Fields that, with the seeds, decide what each step learns from."""
_MOST_STAGES = 64

FirstStep = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d{0,8})$")]
Weight = Annotated[float, Field(ge=0.0, le=1e6)]


def _checked_domains(weights: dict[str, float]) -> dict[str, float]:
    for name in weights:
        if name not in DOMAIN_WEIGHTS:
            hint = did_you_mean(name, DOMAINS)
            raise ValueError(f"{shown(name)} is no domain; allowed: {', '.join(DOMAINS)}{hint}")
    if not any(weights.values()):
        raise ValueError(f"{shown(weights)} weighs nothing; at least one must be above 0")
    return weights


DomainWeights = Annotated[
    dict[str, Weight], Field(min_length=1, max_length=64), AfterValidator(_checked_domains)
]


class DomainStage(NamedTuple):
    """How much each domain counts from a step on; those that are not named count nothing."""

    first_step: int
    weights: Mapping[str, float]


class PositionDataConfig(BaseConfig):
    """Positions of a folder that `scripts/make_positions.py` has filled."""

    path_fields: ClassVar[Mapping[str, PathKind]] = {"positions": "folder"}

    positions: str = Field(
        min_length=1,
        max_length=4096,
        description="Folder of positions, as scripts/make_positions.py fills it.",
        json_schema_extra=ABLATION,
    )
    domain_order: Literal["mixture", "sequential"] = Field(
        "mixture",
        description="mixture: the domain of each position is drawn by the weights; sequential: "
        f"one domain after the other, for as many steps as its weight says: {', '.join(DOMAINS)}.",
        json_schema_extra=ABLATION,
    )
    domain_weights: DomainWeights | None = Field(
        None,
        description="How much each domain counts, as "
        '{"openings": 2, "tactical": 1}; those that the folder lacks are left out, the others '
        "count for more; default: "
        + ", ".join(f"{name} {weight:g}" for name, weight in DOMAIN_WEIGHTS.items())
        + ".",
        json_schema_extra=ABLATION,
    )
    domain_stages: dict[FirstStep, DomainWeights] | None = Field(
        None,
        max_length=_MOST_STAGES,
        description='Other weights of a mixture from a step on, as {"0": {"openings": 1}, "500": '
        '{"openings": 1, "tactical": 3}}.',
        json_schema_extra=ABLATION,
    )
    mirror: Fraction = Field(
        0.5,
        description="Share of positions without castling rights whose files change places.",
        json_schema_extra=ABLATION,
    )
    colour_flip: Fraction = Field(
        0.25,
        description="Share of positions whose colours, side to move and ranks change places.",
        json_schema_extra=ABLATION,
    )
    piece_mask_ratio: Fraction = Field(
        0.25,
        description="Share of the squares of a position that are hidden, for the task piece to "
        "tell; held-out positions have as many.",
        json_schema_extra=ABLATION,
    )
    piece_mask_share: Fraction = Field(
        0.5,
        description="Share of positions that have hidden squares at all; the others are seen "
        "whole.",
        json_schema_extra=ABLATION,
    )
    val_positions: int = Field(
        2048,
        ge=1,
        le=10_000_000,
        description="Held-out positions of an evaluation: the first of them, or all there are.",
    )

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        if self.domain_stages and self.domain_order == "sequential":
            raise ValueError(
                "domain_stages belongs to domain_order 'mixture'; sequential phases follow from "
                "domain_weights"
            )
        return self

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to."""
        return super().follows() | {"domain_weights": dict(DOMAIN_WEIGHTS)}

    @property
    def stages(self) -> tuple[DomainStage, ...]:
        """The mixture's stages by first step, that of domain_weights first."""
        assert self.domain_weights is not None
        ordered = sorted((self.domain_stages or {}).items(), key=lambda stage: int(stage[0]))
        later = (DomainStage(int(step), weights) for step, weights in ordered)
        return DomainStage(0, self.domain_weights), *later
