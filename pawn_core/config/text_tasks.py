"""The fields of runs on text tasks: which prompts there are, how hard, and who verifies them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from pawn_core.config.base import BaseConfig
from pawn_core.config.errors import did_you_mean, shown
from pawn_core.config.facts import PathKind
from pawn_core.config.games import DEFAULT_VAL_SEED
from pawn_core.config.idle import Idle
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed

TASK_FIELDS = frozenset(
    {"mix_env_ratio", "task_format", "history", "illegal_ratio", "hard_ratio"}
    | {"men_max", "min_ply", "max_ply"}
)
"""Fields that decide what prompts, training and held out, are like."""
HELD_OUT = TASK_FIELDS | {"val_seed", "val_prompts", "stockfish_depth"}
LEARNED = TASK_FIELDS | {"curriculum", "stockfish_depth"}
_OF_ENGINE = ("stockfish_path", "stockfish_depth", "stockfish_workers", "analysis_cache")
_OF_MOVES = ("history", "illegal_ratio")
_MOST_STAGES = 64

FirstStep = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d{0,8})$")]


class Stage(NamedTuple):
    """A part of a curriculum: how hard positions are from a step on."""

    first_step: int
    hard_ratio: float
    men_max: int


class TextTasksConfig(BaseConfig):
    """Prompts `P:` (policy: what a chess program answers) and `A:` (environment: what a move does).

    The held-out prompts are those of the config's own difficulty, whatever the curriculum is at.
    """

    incidental_of_tasks: ClassVar[frozenset[str]] = frozenset(
        {"stockfish_path", "stockfish_workers", "analysis_cache"}
    )
    rarely_set_of_tasks: ClassVar[frozenset[str]] = incidental_of_tasks | (
        {"history", "min_ply", "max_ply", "val_seed", "val_prompts"}
    )
    path_fields_of_tasks: ClassVar[Mapping[str, PathKind]] = {
        "stockfish_path": "program",
        "analysis_cache": "kept",
    }

    # Prompts
    mix_env_ratio: Fraction = Field(
        0.2,
        description="Share of A: prompts (environment); the others are P: prompts (policy).",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    task_format: Literal["normalised", "native"] = Field(
        "normalised",
        description="Single blanks, or the padded columns of the published rows.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    history: bool = Field(
        True,
        description="A: prompts have the last ten moves.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    illegal_ratio: Fraction = Field(
        0.1,
        description="Share of A: prompts whose move is illegal.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    hard_ratio: Fraction = Field(
        0.0,
        description="Share of positions drawn for what makes them hard: check, pin, en passant, "
        "castling, promotion, mate, stalemate, few men.",
        json_schema_extra=ABLATION,
    )
    men_max: int = Field(
        32, ge=3, le=32, description="Men on the board at most.", json_schema_extra=ABLATION
    )
    min_ply: int = Field(
        0,
        ge=0,
        le=1024,
        description="Plies before a position at least.",
        json_schema_extra=ABLATION,
    )
    max_ply: int = Field(
        200,
        ge=1,
        le=1024,
        description="Plies before a position at most.",
        json_schema_extra=ABLATION,
    )
    curriculum: dict[FirstStep, dict[str, Any]] | None = Field(
        None,
        max_length=_MOST_STAGES,
        description='Other difficulty from a step on, as {"0": {"men_max": 6}, "500": {"men_max": '
        '12, "hard_ratio": 0.3}}; held-out prompts stay those of the config.',
        json_schema_extra=ABLATION,
    )

    # The chess program that answers P: prompts
    stockfish_path: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="Stockfish; default: the one on the PATH.",
    )
    stockfish_depth: int = Field(
        6,
        ge=1,
        le=40,
        description="Depth of its searches, a new game each.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    stockfish_workers: int = Field(
        1, ge=1, le=256, description="Processes of it that search, a thread each."
    )
    analysis_cache: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="File that keeps its answers; default: in the user's cache folder.",
    )

    # Held-out prompts
    val_seed: Seed = Field(DEFAULT_VAL_SEED, description="Held-out prompts; never a training seed.")
    val_prompts: int = Field(256, ge=1, le=1_000_000, description="Held-out prompts of each task.")

    @model_validator(mode="after")
    def _check_plies(self) -> Self:
        if self.min_ply > self.max_ply:
            raise ValueError(f"min_ply {self.min_ply} is past max_ply {self.max_ply}")
        return self

    @model_validator(mode="after")
    def _check_curriculum(self) -> Self:
        for first_step, changes in (self.curriculum or {}).items():
            _check_stage(f"curriculum.{first_step}", changes)
        return self

    @property
    def task_shares(self) -> Mapping[str, float]:
        """The probability of each task, by name."""
        return {"policy": 1.0 - self.mix_env_ratio, "environment": self.mix_env_ratio}

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The curriculum's stages by first step; the config's own difficulty is in force before."""
        own: dict[str, Any] = {"hard_ratio": self.hard_ratio, "men_max": self.men_max}
        ordered = sorted((self.curriculum or {}).items(), key=lambda stage: int(stage[0]))
        return tuple(Stage(int(step), **(own | changes)) for step, changes in ordered)

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing, those of a task without prompts among them."""
        yield from super().idle_fields(on_gpu)
        if self.mix_env_ratio == 1.0:
            yield from self._idle(_OF_ENGINE, "mix_env_ratio 1 leaves no P: prompts")
        if self.mix_env_ratio == 0.0:
            yield from self._idle(_OF_MOVES, "mix_env_ratio 0 leaves no A: prompts")

    def _idle(self, fields: tuple[str, ...], why: str | None) -> Iterator[Idle]:
        for field in fields:
            yield Idle(field, type(self).model_fields[field].default, why)


_STAGE_RANGES = {"hard_ratio": (0.0, 1.0), "men_max": (3, 32)}


def _check_stage(where: str, changes: dict[str, Any]) -> None:
    for field, value in changes.items():
        if field not in _STAGE_RANGES:
            raise ValueError(
                f"{where}.{shown(field)[1:-1]} is not part of a stage; allowed: "
                f"{', '.join(_STAGE_RANGES)}{did_you_mean(field, _STAGE_RANGES)}"
            )
        low, high = _STAGE_RANGES[field]
        allowed = (int,) if field == "men_max" else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
            raise ValueError(
                f"{where}.{field} {shown(value)} is not allowed: >= {low:g} and <= {high:g}"
            )
