"""Multitask pretraining: policy, value and self-supervised tasks on board positions."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from pawn_core.config.facts import Merit, Metric, Panel
from pawn_core.config.multitask_losses import TASK_FIELDS, MultitaskLossesConfig
from pawn_core.config.position_data import LEARNED
from pawn_core.config.position_models import OF_NEW_POSITION_MODELS, PositionModelConfig
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.config.run import RunConfig
from pawn_core.config.training import OPTIMIZER, SPEED, TrainingConfig
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed, StepCount
from pawn_core.run_paths import AVERAGE, POSITION_FILES

METRICS = (
    Metric("val_loss", "held-out policy loss and squared error of the value", "low", own_kind=True),
    Metric("raw_val_loss", "the same, of the raw weights", "low", own_kind=True),
    Metric("policy_loss", "held-out policy loss (nats)", "low", own_kind=True),
    Metric("policy_top1", "best moves told", "high", own_kind=True),
    Metric("policy_top5", "best moves among the first five", "high", own_kind=True),
    Metric("legal_mass", "probability of legal moves", "high", own_kind=True),
    Metric("value_mse", "squared error of the value", "low", own_kind=True),
    *(
        Metric(f"{task.name}_skill", f"skill of the task {task.name}", "high", own_kind=True)
        for task in POSITION_TASKS
    ),
    Metric("loss", "training loss", None, "train"),
    Metric("ssl_loss", "weighted sum of the tasks' training losses", None, "train"),
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("positions_per_s", "positions a second", None, "train"),
)
PANELS = (
    Panel("Loss", ("val_loss", "raw_val_loss", "loss")),
    Panel("Policy", ("policy_loss", "policy_top1", "policy_top5", "legal_mass")),
    Panel("Value", ("value_mse", "value_mae", "value_r2", "value_sign", "value_ece", "value_loss")),
    Panel("Skill of the tasks", ("*_skill",)),
    Panel("Loss of the tasks", ("ssl_loss", *(f"{task.name}_loss" for task in POSITION_TASKS))),
    Panel("Average precision", ("*_ap",)),
    OPTIMIZER,
    SPEED,
)
_WARMUP_STEPS = 500


class MultitaskConfig(PositionModelConfig, MultitaskLossesConfig, TrainingConfig):
    """Learn the policy and the value of positions, and what their squares say of themselves."""

    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    panels: ClassVar[tuple[Panel, ...]] = PANELS
    floors: ClassVar[Mapping[str, str]] = {"policy_loss": "policy_floor"}
    further_metrics: ClassVar[bool] = True
    merit: ClassVar[Merit] = Merit("val_loss", "low", "held-out policy and value loss")
    beside_merit: ClassVar[tuple[str, ...]] = ("policy_top1", "value_mse")
    sample: ClassVar[str] = "held-out positions"
    measured_on: ClassVar[frozenset[str]] = TrainingConfig.measured_on | (
        {"positions", "val_positions"}
    )
    learned_from: ClassVar[frozenset[str]] = TrainingConfig.learned_from | LEARNED
    incidental: ClassVar[frozenset[str]] = TrainingConfig.incidental | {"ssl_chunk_size"}
    tuned: ClassVar[frozenset[str]] = (
        TrainingConfig.tuned | MultitaskLossesConfig.of_losses | {"ema_decay"}
    )
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
    tried_with: ClassVar[Mapping[str, int]] = {"val_positions": 256}
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
        description="Of the moving average of the weights, which is what is evaluated; after n "
        "updates at most (1 + n) / (10 + n); null: none.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )

    # Watching
    heartbeat_s: int | None = Field(
        300,
        ge=1,
        le=86_400,
        description="Seconds between events that say how far the run is; null: none.",
    )

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


_UNAVERAGED = MultitaskConfig.saying(checkpoint_files=POSITION_FILES)
