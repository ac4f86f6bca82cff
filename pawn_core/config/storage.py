"""Where a run's checkpoints and metrics go, and what of it cannot be had here."""

import os
from importlib.util import find_spec
from typing import Self

from pydantic import Field, model_validator

from pawn_core.config.base import BaseConfig
from pawn_core.config.types import HubBucket, HubRepo

_OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE = ("1", "ON", "YES", "TRUE")  # as huggingface_hub reads them


class StorageConfig(BaseConfig):
    """Checkpoints on this machine or on the hub, metrics to trackers besides."""

    local_checkpoints: bool = Field(False, description="Keep checkpoints on this machine alone.")
    hf_repo: HubRepo | None = Field(
        None,
        description="Hugging Face repository for checkpoints, a branch a run; needs "
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
    ship_compiled: bool = Field(
        False, description="Upload what torch has compiled too, for like machines; needs the hub."
    )
    wandb: bool = Field(False, description="Log to Weights & Biases too; needs the extra.")
    trackio: bool = Field(False, description="Log to Trackio too; needs the extra.")

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
        if self.ship_compiled and self.hf_repo is None and self.hf_bucket is None:
            raise ValueError("ship_compiled needs hf_repo or hf_bucket: it goes with the uploads")
        return self

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
        trackers = {"wandb": self.wandb, "trackio": self.trackio}
        return [
            f"{name}: true needs the package {name}, which is not installed: uv sync --extra {name}"
            for name, chosen in trackers.items()
            if chosen and not _is_installed(name)
        ]


def _is_installed(package: str) -> bool:
    """Tell whether a package can be imported; a bare folder of its name (logs, say) is none."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None
