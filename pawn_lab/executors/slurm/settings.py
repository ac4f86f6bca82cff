"""What the lab is told about a cluster."""

import shlex
from typing import Any, Literal

from pydantic import Field, field_validator

from pawn_lab.executors.executor import Settings

_OWN = (
    *("--job-name", "-J", "--array", "-a", "--output", "-o", "--error", "-e", "--open-mode"),
    *("--parsable", "--comment", "--export", "--wrap", "--signal", "--requeue", "--no-requeue"),
    *("--test-only", "--wait", "-W", "--input", "-i"),
)
"""Options by which the lab knows and guards its jobs."""


class SlurmSettings(Settings):
    """Where trials run on a cluster, and how many at a time; what is left out is the cluster's."""

    max_jobs: int = Field(4, ge=1, le=1024, description="Devices that trials may hold at a time.")
    device: Literal["gpu", "cpu"] = Field("gpu", description="What a trial holds one of.")
    gres: str = Field("gpu", min_length=1, description="Of a GPU, as `gpu:a100`.")
    gpu_memory_gib: float | None = Field(None, gt=0, description="Of one; None: not checked.")
    partition: str | None = Field(None, min_length=1)
    account: str | None = Field(None, min_length=1)
    qos: str | None = Field(None, min_length=1)
    constraint: str | None = Field(None, min_length=1)
    cpus: int | None = Field(None, ge=1, description="Cores of a trial.")
    memory: str | None = Field(None, min_length=1, description="Of a trial, as `32G`.")
    most_minutes: int | None = Field(None, ge=2, description="The longest a job may be asked for.")
    requeue: bool = Field(False, description="Let Slurm run a trial on after its node failed.")
    arrays: bool = Field(True, description="Submit points of a sweep together.")
    absence_s: float = Field(180.0, ge=0, description="Without a job for so long, it is gone.")
    extra: tuple[str, ...] = Field((), description="Further options of sbatch.")

    @field_validator("extra", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @field_validator("extra")
    @classmethod
    def _check_extra(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        for option in options:
            name = option.partition("=")[0]
            if not name.startswith("-") or name in _OWN:
                raise ValueError(
                    f"extra {option!r} is not allowed: --NAME=VALUE or --NAME, and none of "
                    f"{', '.join(_OWN)}, which the lab sets itself"
                )
        return options
