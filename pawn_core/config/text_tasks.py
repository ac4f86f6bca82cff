"""The fields of runs on text tasks: which prompts there are, how hard, and who verifies them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pawn_core.config.errors import did_you_mean, shown
from pawn_core.config.facts import Kinds, Metric, Panel, PathKind
from pawn_core.config.games import DEFAULT_VAL_SEED
from pawn_core.config.idle import Idle
from pawn_core.config.tasks import TASKS, task_kind
from pawn_core.config.training import TrainingConfig
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed
from pawn_core.programs import STOCKFISH, missing_program

TASK_FIELDS = frozenset(
    {"mix_env_ratio", "task_format", "history", "illegal_ratio", "men_max", "min_ply", "max_ply"}
)
"""Fields that decide what prompts, training and held out, are like."""
HELD_OUT = TASK_FIELDS | {"val_seed", "val_prompts", "stockfish_depth"}
LEARNED = TASK_FIELDS | {"hard_ratio", "curriculum", "stockfish_depth"}
ANSWERS = (
    Metric("policy_exact", "P: completions that are right to the letter", "high", own_kind=True),
    Metric("environment_exact", "A: completions right to the letter", "high", own_kind=True),
    Metric("environment_fen_exact", "A: next positions that are right", "high", own_kind=True),
    Metric("policy_best", "P: best moves that are the engine's", "high", own_kind=True),
    Metric("policy_legality", "P: candidate moves that are legal", "high", own_kind=True),
)
"""Of greedy completions of held-out prompts."""
ANSWERED = Panel(
    "Answers",
    (
        *(metric.name for metric in ANSWERS),
        *("policy_candidates", "policy_evaluations", "policy_format", "policy_ended"),
        *("environment_ended", "policy_best_*"),
    ),
)
PACE = (
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("tokens_per_s", "tokens a second", None, "train"),
)
_OF_ENGINE = ("stockfish_path", "stockfish_depth", "stockfish_workers", "analysis_cache")
_INCIDENTAL = frozenset({"stockfish_path", "stockfish_workers", "analysis_cache"})
_OF_MOVES = ("history", "illegal_ratio")
_MOST_STAGES = 64
_ROUNDING = 1e-6


def _checked_shares(shares: dict[str, float]) -> dict[str, float]:
    for name in shares:
        task_kind(name)
    if abs(sum(shares.values()) - 1.0) > _ROUNDING:
        raise ValueError(f"{shown(shares)} adds up to {sum(shares.values()):g}; allowed: 1")
    return shares


Shares = Annotated[
    dict[str, Fraction], Field(min_length=1, max_length=64), AfterValidator(_checked_shares)
]
FirstStep = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d{0,8})$")]


class Stage(NamedTuple):
    """A part of a curriculum: how hard positions are from a step on."""

    first_step: int
    hard_ratio: float
    men_max: int


class TextTasksConfig(TrainingConfig):
    """Learn from prompts of `P:` (what a chess program answers) and `A:` (what a move does).

    The held-out prompts are those of the config's own difficulty, whatever the curriculum is at.
    """

    measured_on: ClassVar[frozenset[str]] = TrainingConfig.measured_on | HELD_OUT
    learned_from: ClassVar[frozenset[str]] = TrainingConfig.learned_from | LEARNED
    incidental: ClassVar[frozenset[str]] = TrainingConfig.incidental | _INCIDENTAL
    sample: ClassVar[str] = "held-out prompts"
    kinds: ClassVar[Kinds] = Kinds("tasks", TASK_FIELDS)
    rarely_set: ClassVar[frozenset[str]] = (
        TrainingConfig.rarely_set
        | _INCIDENTAL
        | {"history", "min_ply", "max_ply", "val_seed", "val_prompts"}
    )
    pace_fields: ClassVar[frozenset[str]] = TrainingConfig.pace_fields | (
        {"checkpoint", "mix_env_ratio", "task_format", "stockfish_depth", "stockfish_workers"}
    )
    weights_fields: ClassVar[frozenset[str]] = frozenset({"checkpoint"})
    path_fields: ClassVar[Mapping[str, PathKind]] = {
        "stockfish_path": "program",
        "analysis_cache": "kept",
    }
    speaks: ClassVar[str] = "text"
    further_metrics: ClassVar[bool] = True
    tried_with: ClassVar[Mapping[str, int]] = {"val_prompts": 4}

    # Prompts
    mix_env_ratio: Fraction = Field(
        0.2,
        description="Share of A: prompts (environment); the others are P: prompts (policy).",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    task_shares: Shares | None = Field(
        None,
        description="Share of each task's prompts, where mix_env_ratio does not say it: "
        f"{', '.join(kind.name for kind in TASKS)}.",
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

    @model_validator(mode="after")
    def _check_held_out(self) -> Self:
        if self.data_seed == self.val_seed:
            raise ValueError(
                f"val_seed {self.val_seed} is also the training data's seed; "
                "held-out prompts must not be trained on"
            )
        return self

    @property
    def evaluated_on(self) -> str:
        """What an evaluation is made on."""
        return f"{self.val_prompts} prompts of each task"

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to."""
        shares = {"policy": 1.0 - self.mix_env_ratio, "environment": self.mix_env_ratio}
        return super().follows() | {"task_shares": shares}

    def refusals(self) -> list[str]:
        """Return why the config cannot be honoured here; a missing chess program is one reason."""
        shares = self.task_shares or self.follows()["task_shares"]
        asked = any(share and task_kind(name).asks_engine for name, share in shares.items())
        program = self.stockfish_path or STOCKFISH
        return super().refusals() + (missing_program("stockfish_path", program) if asked else [])

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The curriculum's stages by first step; the config's own difficulty is in force before."""
        own: dict[str, Any] = {"hard_ratio": self.hard_ratio, "men_max": self.men_max}
        ordered = sorted((self.curriculum or {}).items(), key=lambda stage: int(stage[0]))
        return tuple(Stage(int(step), **(own | changes)) for step, changes in ordered)

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing, those of a task without prompts among them."""
        yield from super().idle_fields(on_gpu)
        shares = self.task_shares or {}
        if shares != self.follows()["task_shares"]:
            yield from self._idle(("mix_env_ratio",), "task_shares says what it would")
        if not shares.get("policy"):
            yield from self._idle(_OF_ENGINE, "task_shares leaves no P: prompts")
        if not shares.get("environment"):
            yield from self._idle(_OF_MOVES, "task_shares leaves no A: prompts")

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
