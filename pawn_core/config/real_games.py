"""Which real games a run reads: from where, of which strength, speed and date."""

import re
from datetime import date
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pawn_core.config.base import BaseConfig
from pawn_core.config.errors import did_you_mean, shown
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME

SPEEDS = ("ultrabullet", "bullet", "blitz", "rapid", "classical", "correspondence")
"""Lichess's, by base + 40 increments: less than 30, 180, 480, 1,500 s, or more; without a clock."""
EXACT_TIME_CONTROL = re.compile(r"\d{1,6}\+\d{1,4}")
_FILES = (".pgn", ".zst", ".gz", ".bz2", ".parquet", ".txt")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}(@[\w./-]{1,128})?")


def is_hub_id(source: str) -> bool:
    """Tell whether a source has the form of a data set on the hub; a path that exists is none."""
    return _HUB_ID.fullmatch(source) is not None and not source.lower().endswith(_FILES)


def _checked_time_control(value: str) -> str:
    if EXACT_TIME_CONTROL.fullmatch(value):
        return value
    names = [name.strip() for name in value.strip("[]").replace('"', "").split(",")]
    for name in names:
        if name not in SPEEDS:
            raise ValueError(
                f"{shown(name)} is no time control; allowed: {', '.join(SPEEDS)}, several of them "
                f"with commas, or one exact, as 300+3{did_you_mean(name, SPEEDS)}"
            )
    return ",".join(name for name in SPEEDS if name in names)


def _checked_date(value: str) -> str:
    try:
        parsed = date.fromisoformat(value).isoformat()
    except ValueError:
        parsed = ""
    if parsed != value:
        raise ValueError(f"{shown(value)} is no date; allowed: YYYY-MM-DD")
    return value


def _joined(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


TimeControl = Annotated[
    str, Field(max_length=80), BeforeValidator(_joined), AfterValidator(_checked_time_control)
]
"""Names of SPEEDS in their order, separated by commas, or one exact time control."""
Date = Annotated[str, Field(max_length=10), AfterValidator(_checked_date)]


class RealGamesConfig(BaseConfig):
    """A source of real games, and which of them count."""

    pgn: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="Real games: a .pgn file, plain or compressed, a parquet shard, a folder of "
        "either, or a Hugging Face data set (owner/name, owner/name@revision).",
        json_schema_extra=FIXED_ON_RESUME,
    )
    elo_min: int | None = Field(
        None,
        ge=0,
        le=5000,
        description="Least Elo of both players.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    elo_max: int | None = Field(
        None,
        ge=1,
        le=5000,
        description="Elo that both players are below.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    time_control: TimeControl | None = Field(
        None,
        description=f"Time controls of the games: {', '.join(SPEEDS)}, several with commas, or "
        "one exact, as 300+3; default: any.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    date_min: Date | None = Field(
        None, description="First date, YYYY-MM-DD (UTC).", json_schema_extra=FIXED_ON_RESUME
    )
    date_max: Date | None = Field(
        None,
        description="Date that the games are before, YYYY-MM-DD (UTC).",
        json_schema_extra=FIXED_ON_RESUME,
    )
    no_bots: bool = Field(
        False,
        description="Leave out games in which a player has the title BOT.",
        json_schema_extra=FIXED_ON_RESUME,
    )

    @model_validator(mode="after")
    def _check_elo(self) -> Self:
        low, high = self.elo_min, self.elo_max
        if low is not None and high is not None and low >= high:
            raise ValueError(f"elo_min {low} is not below elo_max {high}")
        return self

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        first, end = self.date_min, self.date_max
        if first is not None and end is not None and first >= end:
            raise ValueError(f"date_min {first} is not before date_max {end}")
        return self
