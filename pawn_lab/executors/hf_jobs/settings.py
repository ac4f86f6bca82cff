"""What a workspace says about the jobs that its trials become."""

import re

from pydantic import Field, field_validator

from pawn_lab.executors.executor import Settings

_SEVERAL_GPUS = re.compile(r"x([2-9]|\d{2,})$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class HfJobsSettings(Settings):
    """Where jobs run, what they may cost in time, and where their files lie."""

    flavor: str = Field(description="Hardware of a job, as `hf jobs hardware` lists it: l4x1.")
    namespace: str = Field(description="User or organization whose account pays.")
    bucket: str = Field("pawn-lab", description="Its bucket for what jobs read and write.")
    image: str = Field(
        "ghcr.io/astral-sh/uv:python{python}-bookworm",
        description="Container image; {python} stands for this Python's version, such as 3.12.",
    )
    install: bool = Field(
        True, description="Install what the code needs with uv; false: the image has it."
    )
    max_jobs: int = Field(2, ge=1, le=64, description="Jobs at once: so many devices the lab has.")
    max_hours: float = Field(
        24.0, gt=0, le=720, description="A trial of unknown length saves and ends after so long."
    )
    margin_min: float = Field(
        20.0, gt=0, description="What a job may take besides: to install, to save, to upload."
    )
    sync_s: float = Field(15.0, ge=0, description="Between two looks at a job and its files.")
    settle_s: float = Field(
        120.0, ge=0, description="How long a job may be absent, or have ended without a word."
    )

    @field_validator("flavor")
    @classmethod
    def _one_device(cls, flavor: str) -> str:
        if _SEVERAL_GPUS.search(flavor):
            raise ValueError("a trial has one GPU here: take a flavor with one, such as l4x1")
        return flavor

    @field_validator("namespace", "bucket")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("a name of letters, digits, dots, hyphens and underscores")
        return name

    @property
    def bucket_id(self) -> str:
        """The bucket with its owner."""
        return f"{self.namespace}/{self.bucket}"

    @property
    def kind(self) -> str:
        """The kind of its devices."""
        return "cpu" if self.flavor.startswith("cpu") else "gpu"
