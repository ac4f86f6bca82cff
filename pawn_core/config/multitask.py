"""Multitask pretraining: policy, value and self-supervised tasks on board positions."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from pawn_core.config.facts import Kinds, Merit, Metric
from pawn_core.config.idle import Idle
from pawn_core.config.position_data import LEARNED, PositionDataConfig
from pawn_core.config.position_models import (
    OF_NEW_POSITION_MODELS,
    TASK_WEIGHTS,
    PositionModelConfig,
)
from pawn_core.config.run import RunConfig
from pawn_core.config.training import TrainingConfig
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed, StepCount
from pawn_core.run_paths import AVERAGE, POSITION_FILES

METRICS = (
    Metric("val_loss", "held-out policy and value loss (nats)", "low", own_kind=True),
    Metric("raw_val_loss", "the same, of the raw weights", "low", own_kind=True),
    Metric("policy_loss", "held-out policy loss (nats)", "low", own_kind=True),
    Metric("value_loss", "held-out value loss", "low", own_kind=True),
    Metric("policy_top1", "best moves told", "high", own_kind=True),
    Metric("policy_top5", "best moves among the first five", "high", own_kind=True),
    Metric("legal_mass", "probability of legal moves", "high", own_kind=True),
    Metric("value_mae", "mean error of the value", "low", own_kind=True),
    *(
        Metric(f"{task}_skill", f"skill of the task {task}", "high", own_kind=True)
        for task in TASK_WEIGHTS
    ),
    Metric("loss", "training loss", None, "train"),
    Metric("ssl_loss", "training loss of the tasks, unweighted by ssl_weight", None, "train"),
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("positions_per_s", "positions a second", None, "train"),
)
TASK_FIELDS = frozenset(f"ssl_{task}_weight" for task in TASK_WEIGHTS)
_WARMUP_STEPS = 500
_OF_TASKS = ("ssl_warmup_steps", "ssl_every_n", "ssl_chunk_size", *sorted(TASK_FIELDS))
_TUNED = frozenset(
    {"ssl_weight", "ssl_warmup_steps", "ssl_every_n", "policy_weight", "value_weight"}
    | {"huber_delta", "label_smoothing", "ema_decay"}
)


def _task_weight(task: str, about: str) -> Any:
    return Field(
        TASK_WEIGHTS[task],
        ge=0.0,
        le=1e3,
        description=f"Weight of {about}; 0: not learned.",
        json_schema_extra=ABLATION,
    )


class MultitaskConfig(PositionModelConfig, PositionDataConfig, TrainingConfig):
    """Learn the policy and the value of positions, and what squares say of themselves."""

    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    further_metrics: ClassVar[bool] = True
    merit: ClassVar[Merit] = Merit("val_loss", "low", "held-out policy and value loss")
    beside_merit: ClassVar[tuple[str, ...]] = ("policy_top1", "value_mae")
    sample: ClassVar[str] = "held-out positions"
    measured_on: ClassVar[frozenset[str]] = TrainingConfig.measured_on | (
        {"positions", "val_positions", "value_head", "value_loss", "huber_delta"}
    )
    kinds: ClassVar[Kinds] = Kinds("positions", frozenset({"positions"}))
    learned_from: ClassVar[frozenset[str]] = TrainingConfig.learned_from | LEARNED
    incidental: ClassVar[frozenset[str]] = TrainingConfig.incidental | {"ssl_chunk_size"}
    tuned: ClassVar[frozenset[str]] = TrainingConfig.tuned | _TUNED | TASK_FIELDS
    searched: ClassVar[tuple[str, ...]] = (
        *("ssl_weight", "lr", "label_smoothing"),
        *("weight_decay", "warmup_steps", "min_lr_ratio", "max_grad_norm"),
    )
    rarely_set: ClassVar[frozenset[str]] = (
        TrainingConfig.rarely_set
        | OF_NEW_POSITION_MODELS - {"variant", "trunk"}
        | TASK_FIELDS
        | {"ssl_warmup_steps", "ssl_chunk_size", "new_heads", "huber_delta", "ema_decay"}
        | {"piece_mask_ratio", "piece_mask_share", "mirror", "colour_flip", "val_positions"}
    )
    pace_fields: ClassVar[frozenset[str]] = (
        TrainingConfig.pace_fields
        | OF_NEW_POSITION_MODELS
        | TASK_FIELDS
        | {"checkpoint", "ssl_weight", "ssl_every_n", "ssl_chunk_size"}
    )
    weights_fields: ClassVar[frozenset[str]] = frozenset({"checkpoint"})
    speaks: ClassVar[str] = "positions"
    checkpoint_files: ClassVar[frozenset[str]] = POSITION_FILES | {AVERAGE}
    shown_live: ClassVar[tuple[str, ...]] = ("loss", "policy_loss", "value_loss", "ssl_loss")

    run_type: Literal["multitask"] = Field(
        "multitask", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )

    # Length
    total_steps: StepCount = Field(40_000, description="Optimizer steps of the whole schedule.")
    eval_interval: StepCount = Field(1_000, description="Steps between evaluations.")

    # Optimization
    batch_size: int = Field(96, ge=1, le=65_536, description="Positions per optimizer step.")
    optimizer: Literal["adamw"] = Field(
        "adamw", description="AdamW.", json_schema_extra=FIXED_ON_RESUME | ABLATION
    )
    lr: float = Field(1e-3, gt=0.0, le=1.0, description="Peak learning rate.")
    warmup_steps: int | None = Field(
        None,
        ge=0,
        le=10_000_000,
        description=f"Steps of linear warm-up; default total_steps / 20, at most {_WARMUP_STEPS}.",
    )
    weight_decay: Fraction = Field(
        1e-4, description="Decoupled weight decay of matrices and kernels."
    )
    max_grad_norm: float | None = Field(
        0.5,
        gt=0.0,
        le=1e6,
        description="Clip the gradient's global norm to this; null: no clipping.",
    )
    data_seed: Seed | None = Field(
        None, description="Order, domains and augmentation of the positions; default: seed."
    )
    ema_decay: float | None = Field(
        0.999,
        gt=0.0,
        lt=1.0,
        description="Of the moving average of the weights, which is what is evaluated; over the "
        "first n updates at most (1 + n) / (10 + n); null: none.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )

    # Losses
    policy_weight: float = Field(
        1.0, ge=0.0, le=1e3, description="Weight of the policy loss.", json_schema_extra=ABLATION
    )
    label_smoothing: Fraction = Field(
        0.05,
        description="Share of the policy's target that is spread evenly over legal moves.",
        json_schema_extra=ABLATION,
    )
    value_weight: float = Field(
        1.0, ge=0.0, le=1e3, description="Weight of the value loss.", json_schema_extra=ABLATION
    )
    value_loss: Literal["huber", "mse"] = Field(
        "huber",
        description="Of value_head tanh; that of wdl is a cross-entropy.",
        json_schema_extra=ABLATION,
    )
    huber_delta: float = Field(
        1.0,
        gt=0.0,
        le=1e3,
        description="Error of the value from which on the Huber loss is linear.",
        json_schema_extra=ABLATION,
    )
    ssl_weight: float = Field(
        0.15,
        ge=0.0,
        le=1e3,
        description="Weight of all self-supervised tasks together; 0: none is learned.",
        json_schema_extra=ABLATION,
    )
    ssl_warmup_steps: int = Field(
        500, ge=0, le=10_000_000, description="Steps over which ssl_weight rises from 0."
    )
    ssl_every_n: int = Field(
        1, ge=1, le=1_000_000, description="Learn the tasks in one of so many steps."
    )
    ssl_chunk_size: int = Field(
        0,
        ge=0,
        le=65_536,
        description="Positions whose task heads are computed at once, and again in the backward "
        "pass: less memory, more compute, the same gradients; 0: all.",
    )
    ssl_piece_weight: float = _task_weight("piece", "what stands on the hidden squares")
    ssl_threat_weight: float = _task_weight("threat", "squares that the opponent attacks")
    ssl_pin_weight: float = _task_weight("pin", "men of the side to move that are pinned")
    ssl_fork_weight: float = _task_weight("fork", "pieces that attack two enemy men or more")
    ssl_control_weight: float = _task_weight("control", "who attacks a square more often")
    ssl_pawn_structure_weight: float = _task_weight("pawn_structure", "eight planes of pawns")
    ssl_king_safety_weight: float = _task_weight(
        "king_safety", "attackers of the squares around the king"
    )

    # Watching
    heartbeat_s: int | None = Field(
        300,
        ge=1,
        le=86_400,
        description="Seconds between events that say how far the run is; null: none.",
    )

    @property
    def task_weights(self) -> dict[str, float]:
        """The weight of each task that is learned, `ssl_weight` aside."""
        if not self.ssl_weight:
            return {}
        weights = {task: getattr(self, f"ssl_{task}_weight") for task in TASK_WEIGHTS}
        if not self.piece_mask_ratio * self.piece_mask_share:
            weights["piece"] = 0.0  # no square is hidden
        return {task: weight for task, weight in weights.items() if weight}

    @property
    def hides_squares(self) -> bool:
        """Whether squares are hidden: the task `piece` alone asks for it."""
        return "piece" in self.task_weights

    @property
    def evaluated_on(self) -> str:
        """What an evaluation is made on."""
        return f"{self.val_positions} positions"

    @classmethod
    def kind_of(cls, config: Mapping[str, Any]) -> type[RunConfig]:
        """Return the class that speaks for a config: its checkpoints may have no average."""
        return cls if config.get("ema_decay", 0.0) is not None else _UNAVERAGED

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to."""
        return super().follows() | {"warmup_steps": min(_WARMUP_STEPS, self.total_steps // 20)}

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        yield from self._idle_losses()
        if not self.ssl_weight:
            yield from self._usual(_OF_TASKS, "ssl_weight 0 leaves the tasks out")
        elif not self.task_weights:
            yield Idle("ssl_weight", 0.0, "no task has a weight")
        if not self.hides_squares:
            yield from self._idle_masks()

    def _idle_losses(self) -> Iterator[Idle]:
        if not self.policy_weight:
            yield from self._usual(("label_smoothing",), "policy_weight 0 leaves the policy out")
        if self.value_head == "wdl":
            yield from self._usual(("value_loss", "huber_delta"), "value_head 'wdl' has its own")
        elif self.value_loss == "mse":
            yield from self._usual(("huber_delta",), "value_loss 'mse' has none")

    def _idle_masks(self) -> Iterator[Idle]:
        if self.ssl_weight and not self.piece_mask_ratio * self.piece_mask_share:
            yield Idle("ssl_piece_weight", 0.0, "no squares are hidden")
        why = "the task piece is not learned"
        yield from self._usual(("piece_mask_ratio", "piece_mask_share"), why)

    def _usual(self, fields: tuple[str, ...], why: str) -> Iterator[Idle]:
        for field in fields:
            yield Idle(field, type(self).model_fields[field].default, why)


_UNAVERAGED = MultitaskConfig.saying(checkpoint_files=POSITION_FILES)
