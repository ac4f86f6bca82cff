"""How long a model is trained, and at which learning rate."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pawn_core.config import idle
from pawn_core.config.base import BaseConfig
from pawn_core.config.idle import Idle
from pawn_core.config.types import Fraction, StepCount

_OF_SCHEDULES = {
    "decay_steps": ("wsd", "infinite"),
    "cooldown_steps": ("infinite",),
    "constant_lr_ratio": ("infinite",),
}
"""Fields that belong to some schedules only."""


class ScheduleConfig(BaseConfig):
    """A learning rate that warms up and decays over the steps of a run."""

    total_steps: StepCount = Field(100_000, description="Optimizer steps of the whole schedule.")
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

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to: parts of the whole length."""
        tenth = max(1, self.total_steps // 10)
        phases = {"decay_steps": tenth, "cooldown_steps": tenth, "constant_lr_ratio": 0.3}
        own = {n: v for n, v in phases.items() if self.lr_schedule in _OF_SCHEDULES[n]}
        return super().follows() | {"warmup_steps": min(10_000, self.total_steps // 20)} | own

    def idle_fields(self, on_gpu: bool | None = None) -> Iterator[Idle]:
        """Yield the fields that change nothing."""
        yield from super().idle_fields(on_gpu)
        yield from idle.schedule(self)
