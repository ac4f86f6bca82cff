"""How completions are drawn, for all tasks or for one of them."""

from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from pawn_core.config.base import BaseConfig
from pawn_core.config.types import ABLATION

_TASKS = ("policy", "environment")


class TaskSampling(NamedTuple):
    """How the tokens of a completion are drawn."""

    temperature: float
    top_p: float
    top_k: int | None


class SamplingConfig(BaseConfig):
    """A temperature and cuts of the distribution; those of a task win over those of all."""

    sampling_fields: ClassVar[frozenset[str]] = frozenset(
        {"temperature", "top_p", "top_k"}
        | {f"{task}_{field}" for task in _TASKS for field in ("temperature", "top_p", "top_k")}
    )

    temperature: float = Field(
        1.0,
        gt=0.0,
        le=100.0,
        description="Of what is sampled; at 1, without cuts, it is the policy that learns.",
    )
    top_p: float = Field(
        1.0, gt=0.0, le=1.0, description="Sample from the likeliest tokens of this probability."
    )
    top_k: int | None = Field(
        None, ge=1, le=1_000_000, description="Sample from so many tokens; null: from all."
    )
    policy_temperature: float | None = Field(
        None, gt=0.0, le=100.0, description="Of P: prompts; default: temperature."
    )
    policy_top_p: float | None = Field(
        None, gt=0.0, le=1.0, description="Of P: prompts; default: top_p."
    )
    policy_top_k: int | None = Field(
        None, ge=1, le=1_000_000, description="Of P: prompts; default: top_k."
    )
    environment_temperature: float | None = Field(
        None, gt=0.0, le=100.0, description="Of A: prompts; default: temperature."
    )
    environment_top_p: float | None = Field(
        None, gt=0.0, le=1.0, description="Of A: prompts; default: top_p."
    )
    environment_top_k: int | None = Field(
        None, ge=1, le=1_000_000, description="Of A: prompts; default: top_k."
    )
    max_new_tokens: int = Field(
        128,
        ge=1,
        le=4096,
        description="Tokens of a completion at most, its end among them.",
        json_schema_extra=ABLATION,
    )

    def sampling_of(self, task: str) -> TaskSampling:
        """Return how completions of a task are drawn."""
        fields = TaskSampling._fields
        return TaskSampling(*(getattr(self, f"{task}_{f}", getattr(self, f)) for f in fields))

    def follows(self) -> dict[str, Any]:
        """Return what null fields come to: those of a task are those of all."""
        shared = {field: getattr(self, field) for field in TaskSampling._fields}
        own = {f"{task}_{field}": value for task in _TASKS for field, value in shared.items()}
        return super().follows() | own
