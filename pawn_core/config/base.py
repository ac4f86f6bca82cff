"""Fields that every run type shares: schedule, storage, hardware and logging."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pawn_core.config.types import (
    ABLATION,
    FIXED_ON_RESUME,
    Device,
    Fraction,
    HubBucket,
    HubRepo,
    Seed,
    StepCount,
)

DEFAULT_VAL_SEED = 1_000_000_007


class RunConfig(BaseModel):
    """What every run type can be told; unknown fields are refused and every number is bounded."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_default=True
    )

    # Length
    total_steps: StepCount = Field(100_000, description="Optimizer steps of the whole schedule.")
    pause_after_steps: StepCount | None = Field(
        None, description="Save and stop at this step, to be resumed later."
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Stop after this many evaluations without improvement.",
    )
    patience_metric: Literal["val_loss", "compound"] = Field(
        "val_loss",
        description="What has to improve; compound: any of val_loss, late_legal_rate, "
        "game_completion and mean_plies_completed.",
    )

    # Optimization
    batch_size: int = Field(
        256, ge=1, le=65_536, description="Games per optimizer step, over all accumulation steps."
    )
    accumulation_steps: int = Field(
        1, ge=1, le=1024, description="Micro-batches per optimizer step; divides batch_size."
    )
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw",
        description="muon: Muon for the matrices inside the layers, AdamW for the rest.",
        json_schema_extra=FIXED_ON_RESUME | ABLATION,
    )
    lr: float = Field(3e-4, gt=0.0, le=1.0, description="Peak learning rate.")
    lr_schedule: Literal["cosine", "wsd", "constant", "one_cycle", "infinite"] = Field(
        "cosine", description="Shape of the learning rate over total_steps."
    )
    warmup_steps: int | None = Field(
        None,
        ge=0,
        le=10_000_000,
        description="Steps of linear warm-up; default total_steps / 20, at most 10,000.",
    )
    min_lr_ratio: Fraction = Field(0.0, description="Final learning rate as a fraction of lr.")
    decay_steps: StepCount | None = Field(
        None, description="Last steps that decay (wsd, infinite); default total_steps / 10."
    )
    cooldown_steps: StepCount | None = Field(
        None, description="Cosine steps after warm-up (infinite); default total_steps / 10."
    )
    constant_lr_ratio: Fraction | None = Field(
        None, description="Plateau as a fraction of lr (infinite); default 0.3."
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
    data_seed: Seed | None = Field(None, description="Training games; default: seed.")
    val_seed: Seed = Field(DEFAULT_VAL_SEED, description="Validation games; never a training seed.")

    # Evaluation, checkpoints, logging
    eval_interval: StepCount = Field(5_000, description="Steps between evaluations.")
    val_games: int = Field(512, ge=1, le=1_000_000, description="Validation games.")
    checkpoint_interval: StepCount | None = Field(
        None, description="Steps between checkpoints; default: eval_interval."
    )
    log_interval: StepCount = Field(100, description="Steps between train records.")

    # Storage
    local_checkpoints: bool = Field(
        False, description="Keep checkpoints on this machine; nothing goes to a repository."
    )
    hf_repo: HubRepo | None = Field(
        None,
        description="Hugging Face repository to push checkpoints to, on a branch run/<name> of "
        "the run's own; needs `hf auth login`.",
    )
    hf_bucket: HubBucket | None = Field(
        None,
        description="Hugging Face bucket to copy checkpoints to besides, into a folder of the "
        "run's own; needs `hf auth login`.",
    )
    shm_checkpoints: bool = Field(
        False,
        description="Write checkpoints to /dev/shm and to the disk only at the end; needs "
        "hf_repo. A power loss or reboot takes those that are not uploaded yet.",
    )
    wandb: bool = Field(False, description="Log to Weights & Biases too; needs the extra.")
    trackio: bool = Field(False, description="Log to Trackio too; needs the extra.")

    # Hardware
    device: Device = Field("auto", description="auto, cpu, cuda or cuda:N.")
    gpus: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that share each batch, one GPU each (on device cpu, none); "
        "torchrun starts them.",
    )
    amp_dtype: Literal["auto", "bfloat16", "float16", "none"] = Field(
        "auto",
        description="Autocast type; auto: bfloat16 on a GPU and on a CPU that computes in it "
        "(AVX512_BF16, AMX), else none; of a resumed run, what it was.",
    )
    no_amp: bool = Field(False, description="Train in float32; the same as amp_dtype 'none'.")
    no_compile: bool | None = Field(
        None, description="true: never torch.compile; false: always; null: on a GPU only."
    )
    gradient_checkpointing: bool = Field(
        False,
        description="Recompute each layer in the backward pass: less memory, more compute, "
        "the same gradients.",
    )
    sdpa_math: bool = Field(False, description="Force the math attention backend (AMD).")
    num_workers: int = Field(
        4,
        ge=0,
        le=256,
        description="Threads that prepare batches ahead; 0: in the training thread.",
    )

    @model_validator(mode="before")
    @classmethod
    def _integral_floats_to_int(cls, raw: Any) -> Any:
        """Accept `2e5` where an integer is due: JSON has one number type."""
        if not isinstance(raw, dict):
            return raw
        return {name: _as_integer(value) for name, value in raw.items()}

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if self.pause_after_steps is not None and self.pause_after_steps > self.total_steps:
            raise ValueError(
                f"pause_after_steps {self.pause_after_steps} is past total_steps "
                f"{self.total_steps}; allowed: 1 to total_steps"
            )
        return self

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
        if self.gpus > 1 and ":" in self.device:
            raise ValueError(
                f"device '{self.device}' is one GPU and gpus is {self.gpus}; "
                "allowed: auto, cuda or cpu"
            )
        return self

    @model_validator(mode="after")
    def _resolve_schedule(self) -> Self:
        tenth = max(1, self.total_steps // 10)
        self._default("warmup_steps", min(10_000, self.total_steps // 20))
        self._schedule_field("decay_steps", ("wsd", "infinite"), tenth)
        self._schedule_field("cooldown_steps", ("infinite",), tenth)
        self._schedule_field("constant_lr_ratio", ("infinite",), 0.3)
        phases = {
            name: getattr(self, name) or 0
            for name in ("warmup_steps", "cooldown_steps", "decay_steps")
        }
        if sum(phases.values()) > self.total_steps:
            given = ", ".join(f"{name} {steps}" for name, steps in phases.items() if steps)
            raise ValueError(f"{given} do not fit into total_steps {self.total_steps}")
        return self

    @model_validator(mode="after")
    def _resolve_seeds(self) -> Self:
        self._default("data_seed", self.seed)
        if self.data_seed == self.val_seed:
            raise ValueError(
                f"val_seed {self.val_seed} is also the training data's seed; "
                "validation games must not be trained on"
            )
        return self

    @model_validator(mode="after")
    def _check_storage(self) -> Self:
        if self.local_checkpoints == (self.hf_repo is not None):
            raise ValueError(
                "set exactly one of local_checkpoints: true (this machine) and hf_repo: "
                "'owner/name' (durable); without either, checkpoints have nowhere to go"
            )
        if self.shm_checkpoints and self.hf_repo is None:
            raise ValueError("shm_checkpoints needs hf_repo: /dev/shm does not survive a reboot")
        return self

    @model_validator(mode="after")
    def _resolve_intervals_and_precision(self) -> Self:
        self._default("checkpoint_interval", self.eval_interval)
        if self.no_amp:
            if self.amp_dtype not in ("auto", "none"):
                raise ValueError(f"no_amp: true contradicts amp_dtype '{self.amp_dtype}'")
            self.__dict__["amp_dtype"] = "none"
        return self

    @property
    def real_size(self) -> bool:
        """Whether training on a CPU would almost always be a mistake."""
        return True

    def members(self) -> Mapping[str, "RunConfig"]:
        """Return the config of each model that the run trains, by name; of a single one, ''."""
        return {"": self}

    def refusals(self) -> list[str]:
        """Return why the config cannot be honoured here: valid fields without their part."""
        return self._missing_packages()

    def _missing_packages(self) -> list[str]:
        """Return the trackers asked for whose package is not installed."""
        asked = {"wandb": self.wandb, "trackio": self.trackio}
        return [
            f"{name}: true needs the package {name}, which is not installed: uv sync --extra {name}"
            for name, wanted in asked.items()
            if wanted and not _is_installed(name)
        ]

    @classmethod
    def fields_marked(cls, mark: str) -> list[str]:
        """Return the fields that carry a schema mark of `pawn_core.config.types`."""
        return [
            name
            for name, field in cls.model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(mark)
        ]

    def _default(self, field: str, value: object) -> None:
        """Fill a derived default without marking the field as set by the caller."""
        if getattr(self, field) is None:
            self.__dict__[field] = value

    def _schedule_field(self, field: str, schedules: tuple[str, ...], default: float) -> None:
        if self.lr_schedule in schedules:
            self._default(field, default)
        elif getattr(self, field) is not None:
            raise ValueError(
                f"{field} has no effect with lr_schedule '{self.lr_schedule}'; "
                f"it belongs to: {', '.join(schedules)}"
            )


def _as_integer(value: Any) -> Any:
    """Return an integral float as an integer where a float is exact, anything else as it is."""
    exact = isinstance(value, float) and value.is_integer() and abs(value) <= 2**53
    return int(value) if exact else value


def _is_installed(package: str) -> bool:
    """Tell whether a package can be imported; a bare folder of its name (logs, say) is none."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None
