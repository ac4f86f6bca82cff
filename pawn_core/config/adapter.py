"""Adapting: a frozen backbone learns the moves of players from real games."""

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from pawn_core.config.adapters import ADAPTER_NAMES, ADAPTERS, adapter_named
from pawn_core.config.errors import config_error
from pawn_core.config.facts import Kinds, Metric, Panel, PathKind
from pawn_core.config.game_training import GameTrainingConfig
from pawn_core.config.idle import Idle
from pawn_core.config.real_games import RealGamesConfig
from pawn_core.config.run import RunConfig
from pawn_core.config.strategies import StrategyConfig
from pawn_core.config.training import OPTIMIZER, SPEED
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed, StepCount
from pawn_core.config.weights import WeightsSource
from pawn_core.run_paths import ADAPTER_FILES

METRICS = (
    Metric("val_loss", "validation loss over legal moves (nats per move)", "low", own_kind=True),
    Metric("full_loss", "validation loss over all tokens (nats per move)", "low", own_kind=True),
    Metric("top1", "top-1 accuracy among legal moves", "high", own_kind=True),
    Metric("top5", "top-5 accuracy among legal moves", "high", own_kind=True),
    Metric("illegal_rate", "illegal predictions", "low"),
    Metric("illegal_mass", "probability of illegal moves", "low"),
    Metric("top1_opening", "top-1 accuracy among legal moves, opening", "high", own_kind=True),
    Metric("top1_middle", "top-1 accuracy among legal moves, middle game", "high", own_kind=True),
    Metric("top1_late", "top-1 accuracy among legal moves, late game", "high", own_kind=True),
    Metric("loss", "training loss (nats per move)", None, "train"),
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("tokens_per_s", "tokens a second", None, "train"),
    Metric("games_per_s", "games a second", None, "train"),
)

PANELS = (
    Panel("Loss", ("val_loss", "full_loss", "loss")),
    Panel("Accuracy among legal moves", ("top1", "top5")),
    Panel("Accuracy by phase of the game", ("top1_opening", "top1_middle", "top1_late")),
    Panel("Illegal moves", ("illegal_rate", "illegal_mass"), logy=True),
    OPTIMIZER,
    SPEED,
)

_SELECTION = frozenset(RealGamesConfig.model_fields) | {"min_ply"}
_GAMES = _SELECTION | {"val_pgn", "max_games"}
"""Fields that decide which games there are; how many are trained on moves those that validate."""
_STRATEGIES = frozenset(StrategyConfig.model_fields)


class AdapterConfig(RealGamesConfig, StrategyConfig, GameTrainingConfig):
    """Train an adapter on a frozen backbone, or a tiny model from scratch, on real games."""

    checkpoint_files: ClassVar[frozenset[str]] = ADAPTER_FILES
    measured_on: ClassVar[frozenset[str]] = GameTrainingConfig.measured_on | _GAMES
    learned_from: ClassVar[frozenset[str]] = (
        GameTrainingConfig.learned_from | _GAMES | {"val_games"}
    )
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    panels: ClassVar[tuple[Panel, ...]] = PANELS
    beside_merit: ClassVar[tuple[str, ...]] = ("top1", "top5", "illegal_rate")
    kinds: ClassVar[Kinds] = Kinds("games", _SELECTION)
    tuned: ClassVar[frozenset[str]] = (
        GameTrainingConfig.tuned
        | {"film_lr", "lora_alpha", "illegal_penalty", "epochs"}
        | {field for strategy in ADAPTERS for field in strategy.searched}
    )
    searched: ClassVar[tuple[str, ...]] = (
        *("lr", "bottleneck_dim", "lora_rank", "density", "film_lr"),
        *("weight_decay", "warmup_steps", "min_lr_ratio", "max_grad_norm"),
    )
    rarely_set: ClassVar[frozenset[str]] = (
        (GameTrainingConfig.rarely_set - {"patience"})
        | {"optimizer", "val_pgn", "eval_interval", "total_steps", "elo_band", "val_every"}
        | {"date_min", "date_max", "no_bots", "min_ply", "bottleneck_n_hidden", "no_adapt_attn"}
        | {"no_adapt_ffn", "lora_alpha", "lora_ffn", "sparse_targets", "sparse_ffn"}
        | {"rosa_warmup_steps", "rosa_mask_batches", "rosa_grad_alpha"}
        | {"d_model", "n_layers", "n_heads", "d_ff", "max_seq_len"}
    )
    pace_fields: ClassVar[frozenset[str]] = (
        GameTrainingConfig.pace_fields
        | _SELECTION
        | _STRATEGIES
        | {"checkpoint", "illegal_penalty"}
    )
    weights_fields: ClassVar[frozenset[str]] = frozenset({"checkpoint"})
    path_fields: ClassVar[Mapping[str, PathKind]] = {"pgn": "games", "val_pgn": "games"}
    decides: ClassVar[Mapping[str, str]] = {"epochs": "total_steps", "val_every": "eval_interval"}

    run_type: Literal["adapter"] = Field(
        "adapter", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )
    checkpoint: WeightsSource | None = Field(
        None,
        description="The backbone: trial:3, trial:3@best, trial:3@5000, a checkpoint or its "
        "folder, a .safetensors file, or a Hugging Face repository; tiny has none.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )

    # Games
    pgn: str = Field(
        min_length=1,
        max_length=4096,
        description=str(RealGamesConfig.model_fields["pgn"].description),
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    val_pgn: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="Games to validate on, as pgn; default: the data set's own, else the last.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    min_ply: int = Field(
        10,
        ge=1,
        le=1024,
        description="Plies of a game at least.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    max_games: int = Field(
        12_000,
        ge=1,
        le=1_000_000_000,
        description="Games to train on at most: the first that may be used.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    elo_band: int = Field(
        400,
        ge=1,
        le=5000,
        description="Width of the bands of Elo, the mean of both players'.",
    )
    data_seed: Seed | None = Field(None, description="Order of the games; default: seed.")

    # Length
    epochs: int = Field(50, ge=1, le=1_000_000, description="Passes over the games.")
    # pyrefly: ignore[bad-override]  # null is filled in, never seen
    total_steps: StepCount | None = Field(
        None, description="Optimizer steps of the whole schedule; default: those of epochs."
    )
    val_every: int = Field(1, ge=1, le=1_000_000, description="Epochs between evaluations.")
    # pyrefly: ignore[bad-override]
    eval_interval: StepCount | None = Field(
        None, description="Steps between evaluations; default: those of val_every."
    )
    patience: int | None = Field(
        10,
        ge=1,
        le=100_000,
        description="Stop after this many evaluations without improvement.",
    )
    patience_metric: Literal["val_loss"] = Field("val_loss", description="What has to improve.")

    # Learning
    batch_size: int = Field(64, ge=1, le=65_536, description="Games per optimizer step.")
    weight_decay: Fraction = Field(0.0, description="Decoupled weight decay of matrices.")
    illegal_penalty: float | None = Field(
        None,
        ge=0.0,
        le=1e6,
        description="null: illegal moves are masked out of the loss; a number: cross-entropy over "
        "all tokens plus so many times the probability of illegal moves.",
        json_schema_extra=ABLATION,
    )

    @model_validator(mode="after")
    def _check_backbone(self) -> Self:
        if self.adapts_by.from_scratch and self.checkpoint is not None:
            raise ValueError(
                f"checkpoint {self.checkpoint!r} is not allowed: strategy '{self.strategy}' trains "
                "a model from scratch"
            )
        if not self.adapts_by.from_scratch and self.checkpoint is None:
            raise ValueError(
                f"checkpoint is missing: strategy '{self.strategy}' adapts a backbone; name its "
                "weights (only tiny needs none)"
            )
        return self

    @model_validator(mode="after")
    def _check_phases(self) -> Self:
        warmup = self.rosa_warmup_steps
        if "rosa_warmup_steps" in self.adapts_by.fields and warmup >= self.length:
            raise ValueError(
                f"rosa_warmup_steps {warmup} leaves no step of total_steps {self.length} for the "
                "sparse part"
            )
        return self

    @classmethod
    def kind_of(cls, config: Mapping[str, Any]) -> type[RunConfig]:
        """Return a class whose checkpoints hold what those of the strategy do."""
        name = config.get("strategy")
        return _of_strategy(name) if name in ADAPTER_NAMES else cls

    @property
    def real_size(self) -> bool:
        """Every backbone may be large."""
        return not self.adapts_by.from_scratch

    def weights_named(self) -> dict[str, str]:
        """Return the backbone, where there is one."""
        return super().weights_named() if self.checkpoint is not None else {}

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to: steps of so many epochs, and a rate for FiLM."""
        lengths = {
            "total_steps": self._steps(self.epochs, self.max_games),
            "eval_interval": self._steps(self.val_every, self.max_games),
        }
        if None in (self.total_steps, self.eval_interval):
            return lengths  # the rest follows from these
        film = {"film_lr": self.lr} if "film_lr" in self.adapts_by.fields else {}
        return super().follows() | lengths | film

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing: epochs where steps are given."""
        yield from super().idle_fields(on_gpu)
        followed = self.follows()
        for field, decided in self.decides.items():
            if getattr(self, decided) != followed[decided]:
                default = type(self).model_fields[field].default
                yield Idle(field, default, f"{decided} is given")

    def fitted(self, training_games: int) -> Self:
        """Return the config for a source that has fewer games to train on than `max_games`.

        Raises:
            ConfigError: parts of the schedule do not fit into so few steps.
        """
        followed, values = self.follows(), self.model_dump()
        own = {n: v for n, v in values.items() if n not in followed or v != followed[n]}
        if training_games >= self.max_games or {"total_steps", "eval_interval"} <= own.keys():
            return self
        own.setdefault("total_steps", self._steps(self.epochs, training_games))
        own.setdefault("eval_interval", self._steps(self.val_every, training_games))
        if (self.pause_after_steps or 0) >= own["total_steps"]:
            own["pause_after_steps"] = None
        try:
            return type(self).model_validate(own)
        except ValidationError as error:
            owner = f"run_type '{self.run_type}'"
            raise config_error(error, type(self), owner) from None

    def _steps(self, epochs: int, games: int) -> int:
        return math.ceil(epochs * games / self.batch_size)


@functools.cache
def _of_strategy(name: str) -> type[AdapterConfig]:
    files = adapter_named(name).files
    if files == AdapterConfig.checkpoint_files:
        return AdapterConfig
    return AdapterConfig.saying(checkpoint_files=files)
