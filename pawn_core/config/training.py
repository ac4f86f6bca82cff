"""What every run of optimizer steps has: a schedule, an optimizer, batches and evaluations."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pawn_core.config import costs, idle
from pawn_core.config.compute import ComputeConfig
from pawn_core.config.costs import Cost
from pawn_core.config.facts import Merit, Metric, Panel, Progress
from pawn_core.config.idle import Idle
from pawn_core.config.run import SINGLE, RunConfig
from pawn_core.config.schedule import ScheduleConfig
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, Fraction, Seed, StepCount
from pawn_core.run_paths import FILES

METRICS = (
    Metric("val_loss", "validation loss (nats per token)", "low", own_kind=True),
    Metric("loss", "training loss (nats per token)", None, "train"),
    Metric("lr", "learning rate", None, "train"),
    Metric("grad_norm", "gradient norm", None, "train"),
    Metric("tokens_per_s", "tokens a second", None, "train"),
)
OPTIMIZER = Panel("Optimizer", ("lr", "grad_norm"))
SPEED = Panel(
    "Speed",
    (
        *("tokens_per_s", "games_per_s", "positions_per_s", "step_s", "data_wait_s"),
        *("flops_per_s", "mfu", "device_memory_bytes"),
    ),
)


class TrainingConfig(ComputeConfig, RunConfig, ScheduleConfig):
    """A run of optimizer steps, ranked by its validation loss unless it says otherwise."""

    progress: ClassVar[Progress] = Progress("total_steps", "step", "optimizer step")
    merit: ClassVar[Merit] = Merit("val_loss", "low", "validation loss")
    checkpoint_files: ClassVar[frozenset[str]] = frozenset(FILES)
    learned_from: ClassVar[frozenset[str]] = frozenset({"batch_size"})
    incidental: ClassVar[frozenset[str]] = (
        RunConfig.incidental
        | {"patience", "eval_interval", "log_interval", "num_workers"}
        | {"no_compile", "gradient_checkpointing", "sdpa_math"}
        | {"accumulation_steps"}  # the gradients are the same
        | {"heartbeat_s"}
        | {"no_amp"}  # amp_dtype says it
    )
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    panels: ClassVar[tuple[Panel, ...]] = (Panel("Loss", ("val_loss", "loss")), OPTIMIZER, SPEED)
    seeds: ClassVar[tuple[str, ...]] = ("seed", "data_seed")
    tuned: ClassVar[frozenset[str]] = frozenset(
        {"lr", "lr_schedule", "warmup_steps", "min_lr_ratio", "decay_steps", "cooldown_steps"}
        | {"constant_lr_ratio", "weight_decay", "max_grad_norm", "accumulation_steps"}
    )
    searched: ClassVar[tuple[str, ...]] = (
        *("lr", "weight_decay", "warmup_steps", "min_lr_ratio", "max_grad_norm"),
    )
    rarely_set: ClassVar[frozenset[str]] = (
        RunConfig.rarely_set
        | {"accumulation_steps", "warmup_steps", "amp_dtype", "no_amp", "num_workers"}
        | {"patience", "min_lr_ratio", "decay_steps", "cooldown_steps"}
        | {"constant_lr_ratio", "weight_decay", "max_grad_norm", "data_seed"}
        | {"log_interval", "gradient_checkpointing", "sdpa_math", "heartbeat_s"}
    )
    pace_fields: ClassVar[frozenset[str]] = (
        RunConfig.pace_fields
        | {"batch_size", "accumulation_steps", "optimizer"}
        | {"amp_dtype", "no_compile", "sdpa_math"}
    )
    shapeless: ClassVar[frozenset[str]] = (
        RunConfig.shapeless
        | {"data_seed", "total_steps", "lr", "lr_schedule", "warmup_steps", "min_lr_ratio"}
        | {"decay_steps", "cooldown_steps", "constant_lr_ratio", "weight_decay"}
        | {"patience", "eval_interval", "log_interval", "heartbeat_s"}
    )
    can_be_forecast: ClassVar[bool] = True
    paced_by: ClassVar[Literal["train", "eval"]] = "train"

    patience: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Stop after this many evaluations without improvement.",
    )

    # Optimization
    batch_size: int = Field(256, ge=1, le=65_536, description="Sequences per optimizer step.")
    accumulation_steps: int = Field(
        1, ge=1, le=1024, description="Micro-batches per optimizer step; divides batch_size."
    )
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw",
        description="muon: for the matrices inside the layers; AdamW for the rest.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    weight_decay: Fraction = Field(
        0.01, description="Decoupled weight decay of matrices; embeddings have none."
    )
    max_grad_norm: float | None = Field(
        1.0,
        gt=0.0,
        le=1e6,
        description="Clip the gradient's global norm to this; null: no clipping.",
    )

    # Seeds
    seed: Seed = Field(
        0,
        description="Weight initialization, and the data unless data_seed is set.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    data_seed: Seed | None = Field(None, description="Training data; default: seed.")

    # Evaluation, checkpoints, logging
    eval_interval: StepCount = Field(5_000, description="Steps between evaluations.")
    checkpoint_interval: StepCount | None = Field(
        None, description="Steps between checkpoints; default: eval_interval."
    )
    log_interval: StepCount = Field(100, description="Steps between train records.")
    heartbeat_s: int | None = Field(
        None,
        ge=1,
        le=86_400,
        description="Seconds between events that say how far the run is; null: none.",
    )

    # Hardware
    gradient_checkpointing: bool = Field(
        False,
        description="Recompute each layer in the backward pass: less memory, more compute, "
        "the same gradients.",
    )
    num_workers: int = Field(
        4,
        ge=0,
        le=256,
        description="Threads that prepare batches ahead; 0: in the training thread.",
    )

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if self.batch_size % self.accumulation_steps:
            raise ValueError(
                f"accumulation_steps {self.accumulation_steps} does not divide "
                f"batch_size {self.batch_size}"
            )
        if self.batch_size % (self.accumulation_steps * self.gpus):
            raise ValueError(
                f"gpus {self.gpus} x accumulation_steps {self.accumulation_steps} does not divide "
                f"batch_size {self.batch_size}"
            )
        return self

    @property
    def real_size(self) -> bool:
        """Whether training on a CPU would almost always be a mistake."""
        return True

    def try_changes(self, steps: int) -> dict[str, Any]:
        """Return what is another in a try: one process's share of the batch, a record a step."""
        beyond = max(self.eval_interval, steps + 1)
        intervals = {"eval_interval": beyond, "log_interval": 1}
        share = {"batch_size": self.batch_size // self.gpus, "heartbeat_s": None}
        return super().try_changes(steps) | intervals | share

    @property
    def watched(self) -> tuple[Merit, ...]:
        """Metrics of evaluations of which one has to improve, or patience runs out."""
        return (self.merit,)

    @property
    def evaluated_on(self) -> str:
        """What an evaluation is made on, such as `512 games`."""
        return self.sample

    def members(self) -> Mapping[str, "TrainingConfig"]:
        """Return the config of each model that the run trains, by name; of a single one, ''."""
        return {SINGLE: self}

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to."""
        shared = {"data_seed": self.seed, "checkpoint_interval": self.eval_interval}
        return super().follows() | shared

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        yield from idle.stops(self)

    def costs(self, machine_has_gpu: bool, from_step: int = 0) -> list[Cost]:
        """Return what the run pays for from a step on that a long one seldom wants to pay."""
        along = costs.along_the_way(self, from_step)
        return [*costs.of_steps(self, machine_has_gpu), *along]
