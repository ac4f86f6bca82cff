"""Fields of the evaluations in which a model plays games: generation, conditioning, play."""

from collections.abc import Iterator
from typing import Any, Self

from pydantic import Field, model_validator

from pawn_core.config.base import BaseConfig
from pawn_core.config.idle import Idle
from pawn_core.config.types import FIXED_ON_RESUME
from pawn_core.config.weights import WeightsSource

RANDOM_PLAY = "random"
_PROGRAM = "uci:"
_PROGRAM_PAIRS = 4  # each game has a process of its own
_STRENGTH = ("play_elo", "play_skill", "play_nodes", "play_timeout_s")


class EvalGamesConfig(BaseConfig):
    """How a model plays, and against whom."""

    generation_temperature: float = Field(
        1.0,
        ge=0.0,
        le=100.0,
        description="Divides the logits of games that a model plays alone; 0: the likeliest token.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    conditioning_games: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="Games of each test of a model with outcome tokens.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_opponent: WeightsSource = Field(
        RANDOM_PLAY,
        description="random (legal moves), uci:stockfish (a program's name or path), or weights as "
        "in weights.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_pairs: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="Openings, each played with both colours.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_opening_plies: int = Field(
        8,
        ge=1,
        le=100,
        description="Random legal plies before the players choose.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_temperature: float = Field(
        1.0,
        ge=0.0,
        le=100.0,
        description="Divides the logits of the models that play; 0: the likeliest token.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_masked: bool = Field(
        True,
        description="Models choose among legal moves; false: an illegal one loses.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_elo: int | None = Field(
        None,
        ge=0,
        le=5000,
        description="Strength of a program by UCI_Elo; the program says which it has.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_skill: int | None = Field(
        None,
        ge=0,
        le=100,
        description="Strength of a program by Skill Level.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_nodes: int = Field(
        10_000,
        ge=1,
        le=1_000_000_000,
        description="Positions that a program may search for a move.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    play_timeout_s: float = Field(
        60.0,
        ge=0.1,
        le=86_400.0,
        description="Seconds after which a silent program has failed.",
    )

    @model_validator(mode="after")
    def _check_strength(self) -> Self:
        if self.play_elo is not None and self.play_skill is not None:
            raise ValueError(
                f"play_elo {self.play_elo} and play_skill {self.play_skill} both limit the "
                "program's strength; set one"
            )
        return self

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        if self.play_program is None:
            fields: dict[str, Any] = type(self).model_fields
            for field in _STRENGTH:
                why = f"play_opponent {self.play_opponent!r} is no program (uci:NAME)"
                yield Idle(field, fields[field].default, why)

    @property
    def play_program(self) -> str | None:
        """Name or path of the chess program that is the opponent; None where none is."""
        opponent = self.play_opponent
        return opponent.removeprefix(_PROGRAM) if opponent.startswith(_PROGRAM) else None

    def pairs_at_once(self, games_at_once: int) -> int:
        """Return how many pairs of games are played side by side."""
        pairs = max(1, games_at_once // 2)
        return pairs if self.play_program is None else min(pairs, _PROGRAM_PAIRS)
