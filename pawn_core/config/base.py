"""Fields that every run type shares: schedule, storage, hardware and logging."""

import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pawn_core.config import costs, idle
from pawn_core.config.costs import Cost
from pawn_core.config.idle import Idle
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

_OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE = ("1", "ON", "YES", "TRUE")  # as huggingface_hub reads them

DEFAULT_VAL_SEED = 1_000_000_007

_OF_SCHEDULES = {
    "decay_steps": ("wsd", "infinite"),
    "cooldown_steps": ("infinite",),
    "constant_lr_ratio": ("infinite",),
}
"""Fields that belong to some schedules only."""


class RunConfig(BaseModel):
    """What every run type can be told; unknown fields are refused and every number is bounded."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, validate_default=True
    )

    # Length
    total_steps: StepCount = Field(100_000, description="Optimizer steps of the whole schedule.")
    pause_after_steps: StepCount | None = Field(None, description="Save and stop at this step.")
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
    batch_size: int = Field(256, ge=1, le=65_536, description="Games per optimizer step.")
    accumulation_steps: int = Field(
        1, ge=1, le=1024, description="Micro-batches per optimizer step; divides batch_size."
    )
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw",
        description="muon: for the matrices inside the layers; AdamW for the rest.",
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
    local_checkpoints: bool = Field(False, description="Keep checkpoints on this machine alone.")
    hf_repo: HubRepo | None = Field(
        None,
        description="Hugging Face repository for checkpoints, on a branch of its own; needs "
        "`hf auth login`.",
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
    def _fill_in(self) -> Self:
        """Give null fields what follows for them, without marking them as set by the caller."""
        for field, value in self.follows().items():
            if getattr(self, field) is None:
                self.__dict__[field] = value
        return self

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
    def _check_schedule(self) -> Self:
        for field, schedules in _OF_SCHEDULES.items():
            if self.lr_schedule not in schedules and getattr(self, field) is not None:
                raise ValueError(
                    f"{field} has no effect with lr_schedule '{self.lr_schedule}'; "
                    f"it belongs to: {', '.join(schedules)}"
                )
        phases = {
            name: getattr(self, name) or 0
            for name in ("warmup_steps", "cooldown_steps", "decay_steps")
        }
        if sum(phases.values()) > self.total_steps:
            given = ", ".join(f"{name} {steps}" for name, steps in phases.items() if steps)
            raise ValueError(f"{given} do not fit into total_steps {self.total_steps}")
        return self

    @model_validator(mode="after")
    def _check_seeds(self) -> Self:
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
                "set exactly one of local_checkpoints: true (this machine; --local-checkpoints) "
                "and hf_repo: 'owner/name' (durable; --hf-repo); without either, checkpoints have "
                "nowhere to go"
            )
        if self.shm_checkpoints and self.hf_repo is None:
            raise ValueError("shm_checkpoints needs hf_repo: /dev/shm does not survive a reboot")
        return self

    @model_validator(mode="after")
    def _resolve_precision(self) -> Self:
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

    def follows(self) -> dict[str, Any]:
        """Return what fields come to that are null: what the others decide for them."""
        tenth = max(1, self.total_steps // 10)
        phases = {"decay_steps": tenth, "cooldown_steps": tenth, "constant_lr_ratio": 0.3}
        return {
            "warmup_steps": min(10_000, self.total_steps // 20),
            "data_seed": self.seed,
            "checkpoint_interval": self.eval_interval,
        } | {n: v for n, v in phases.items() if self.lr_schedule in _OF_SCHEDULES[n]}

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing; `on_gpu` None: the device is not known."""
        yield from idle.schedule(self)
        yield from idle.stops(self)
        yield from idle.hardware(self, on_gpu)

    def no_effect(self, on_gpu: bool | None = None) -> dict[str, str]:
        """Return the fields that were set to no effect, each with the reason."""
        defaults = type(self).model_fields
        return {
            field: why
            for field, instead, why in self.idle_fields(on_gpu)
            if why is not None
            and getattr(self, field) not in (instead, defaults[field].default)
            and getattr(self, field) != self.follows().get(field)
        }

    def settings(self, on_gpu: bool | None = None) -> dict[str, Any]:
        """Return what makes the run, as JSON: equal for configs that come to the same run.

        Fields without an effect have their plain value, and what follows from others is left out.
        """
        config = self
        while changes := {
            field: instead
            for field, instead, _ in config.idle_fields(on_gpu)
            if getattr(config, field) != instead
        }:
            config = type(config).model_validate(config.model_dump() | changes)
        return config._chosen()

    def costs(self, machine_has_gpu: bool, from_step: int = 0) -> list[Cost]:
        """Return what the run pays for from a step on that a long one seldom wants to pay."""
        along = costs.along_the_way(self, from_step)
        return [*costs.of_steps(self, machine_has_gpu), *along]

    def _chosen(self) -> dict[str, Any]:
        """Return the values without those that follow from others."""
        follows = self.follows()
        values = self.model_dump(mode="json")
        return {n: v for n, v in values.items() if n not in follows or v != follows[n]}

    def refusals(self) -> list[str]:
        """Return why the config cannot be honoured here: valid fields without their part."""
        return self._missing_packages() + self._hub_kept_away()

    def _hub_kept_away(self) -> list[str]:
        """Return the places on the hub that the environment keeps a run from reaching."""
        variable = next((name for name in _OFFLINE_VARIABLES if os.environ.get(name)), "")
        value = os.environ.get(variable, "")
        if value.upper() not in _TRUE:
            return []
        return [
            f"{field} '{getattr(self, field)}' cannot be honoured: {variable}={value} in the "
            "environment keeps the run from the hub; unset it, or use local_checkpoints: true alone"
            for field in ("hf_repo", "hf_bucket")
            if getattr(self, field) is not None
        ]

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


def _as_integer(value: Any) -> Any:
    """Return an integral float as an integer where a float is exact, anything else as it is."""
    exact = isinstance(value, float) and value.is_integer() and abs(value) <= 2**53
    return int(value) if exact else value


def _is_installed(package: str) -> bool:
    """Tell whether a package can be imported; a bare folder of its name (logs, say) is none."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None
