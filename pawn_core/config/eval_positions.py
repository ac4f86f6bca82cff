"""Fields of the evaluations that look at positions, of games or in shards."""

from pydantic import Field

from pawn_core.config.real_games import RealGamesConfig
from pawn_core.config.types import FIXED_ON_RESUME, Fraction


class EvalPositionsConfig(RealGamesConfig):
    """Which positions are looked at."""

    diagnostic_positions: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="Positions of each kind.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    diagnostic_games: int = Field(
        300_000,
        ge=1,
        le=100_000_000,
        description="Games to look at for them; rare kinds may then have fewer.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    yardstick_max_ply: int = Field(
        512,
        ge=2,
        le=1024,
        description="Length of its games at most, whatever a model's context holds.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    yardstick_plies: int = Field(
        255,
        ge=2,
        le=1024,
        description="How many first plies of them every model must be able to see.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    ceiling_rollouts: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        multiple_of=2,
        description="Games played on behind each legal move of sampled positions; default: 128 "
        "for a model that is told the outcome, else none.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    ceiling_sample_rate: Fraction = Field(
        0.02,
        description="Share of the positions to look at knowing the outcome.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    max_games: int = Field(
        50_000,
        ge=1,
        le=1_000_000,
        description="Games of pgn at most: the first that may be used.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    min_eval_ply: int = Field(
        10,
        ge=0,
        le=1024,
        description="First ply that counts.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    elo_band: int = Field(
        400,
        ge=1,
        le=5000,
        description="Width of the bands of Elo, the mean of both players'.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    positions: str | None = Field(
        None,
        min_length=1,
        description="Folder of labelled positions, whose validation split is measured on.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    max_positions: int = Field(
        10_000,
        ge=1,
        le=10_000_000,
        description="Of those at most, of every source about as many.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    piece_mask_ratio: Fraction = Field(
        0.25,
        description="Share of a position's squares that are hidden where it is asked for piece.",
        json_schema_extra=FIXED_ON_RESUME,
    )
