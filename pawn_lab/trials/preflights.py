"""Which trials are tried for a few steps before they are run, and which need not be any more."""

import hashlib
import json
import os
from collections.abc import Sequence
from importlib import metadata

from pawn_lab.configs import StoredConfig
from pawn_lab.trials.code import code_digest

VARIABLE = "PAWN_PREFLIGHT"
_TRAINER = ["-m", "pawn_core"]


def is_due(trainer: Sequence[str], hourly: float | None) -> bool:
    """Say whether a trial is tried first: it costs something, and its trainer is the real one."""
    return is_paid(trainer, hourly) and not is_off()


def is_paid(trainer: Sequence[str], hourly: float | None) -> bool:
    """Say whether a trial costs something and is run by the real trainer; hourly: its price."""
    return bool(hourly) and list(trainer)[-len(_TRAINER) :] == _TRAINER


def is_off() -> bool:
    """Say whether the user wants none: `PAWN_PREFLIGHT=0`."""
    return os.environ.get(VARIABLE) == "0"


def shape(config: StoredConfig, devices: Sequence[str], driver: str | None) -> str:
    """Return a name for what decides how a step goes: what a config says of it, code and devices.

    devices: what each of the trial's is called. Seeds, rates, lengths and intervals are left out.
    """
    fields = {name: v for name, v in config.items() if name not in config.kind.shapeless}
    what = [fields, code_digest(), metadata.version("torch"), sorted(devices), driver]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]
