"""The environment that trials get: an allow-list, so that no secret travels by accident.

What training by hand would find in it reaches trainers too: proxies, certificates, the settings of
the hub, of trackers, of CUDA and of what torch runs on. Variables that are secrets by their name
never travel; a secret inside a value, such as a proxy's password, does, and no file holds it.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pawn_lab import failpoints
from pawn_lab.shim.identity import TOKEN_VARIABLE
from pawn_lab.text import MASK

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY")
COMPILED_VARIABLE = "PAWN_COMPILED_CACHE"
"""Where trainers keep what torch has compiled."""
ALLOWED = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "NETRC"),
    *("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONFAULTHANDLER"),
    *("LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "CC", "CXX"),
    *_PROXIES,
    *(name.lower() for name in _PROXIES),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN"),
    *("PAWN_ALLOW_CPU", "PAWN_CPU_SLOTS", "PAWN_GAMES_CACHE", "PAWN_IDLE_MIN", "PAWN_PREFLIGHT"),
    COMPILED_VARIABLE,
)
"""Variables that reach a shim, and through it the trainer and the next scheduler pass."""

ALLOWED_PREFIXES = (
    *("LC_", "XDG_", "SSL_CERT_", "MALLOC_"),
    *("HF_", "HUGGINGFACE_HUB_", "TRANSFORMERS_", "TOKENIZERS_", "TRACKIO_", "WANDB_"),
    *("CUDA_", "CUDNN_", "CUBLAS_", "NVIDIA_", "NCCL_", "UCX_", "GLOO_", "FI_", "IBV_", "RDMAV_"),
    *("TORCH_", "TORCHDYNAMO_", "TORCHINDUCTOR_", "PYTORCH_", "TRITON_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_"),
)
"""Beginnings of further names that do, unless a word of the name says that it is a secret."""

_SECRET_WORDS = frozenset(
    ("TOKEN", "KEY", "APIKEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS", "AUTH")
)
_USER_AND_PASSWORD = re.compile(r"^([\w+.-]+://)?\S*@")


class TrialEnvironment(NamedTuple):
    """A trainer's environment as a file may hold it; `masked` names what the shim fills in."""

    shown: dict[str, str]
    masked: list[str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "TrialEnvironment":
        """Mask the secrets inside the values."""
        shown = {name: _without_password(name, value) for name, value in environment.items()}
        return cls(shown, [name for name, value in shown.items() if value != environment[name]])


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that may travel."""
    return {name: value for name, value in environment.items() if _may_travel(name)}


def _may_travel(name: str) -> bool:
    if name in ALLOWED:
        return True
    return name.startswith(ALLOWED_PREFIXES) and _SECRET_WORDS.isdisjoint(name.upper().split("_"))


def _without_password(name: str, value: str) -> str:
    """Return an address without its user and password, any other value as it is."""
    is_address = "://" in value or name.lower().endswith("_proxy")
    return _USER_AND_PASSWORD.sub(rf"\1{MASK}@", value) if is_address else value


def unmasked(launch: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of a launch file with what our own environment knows filled in."""
    return launch["environment"] | {name: os.environ[name] for name in launch["masked"]}


def compiled_into(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what lets trainers share what they compile in a folder, unless they are told where."""
    chosen = {COMPILED_VARIABLE, "TORCHINDUCTOR_CACHE_DIR"} & environment.keys()
    return {} if chosen else {COMPILED_VARIABLE: str(folder.absolute())}


def for_shim() -> dict[str, str]:
    """Return the environment of a shim: ours, filtered, and a failpoint meant for it."""
    environment = allowed(os.environ)
    failpoint = os.environ.get(failpoints.VARIABLE, "")
    if failpoint.partition(":")[0] in failpoints.SHIM:
        environment[failpoints.VARIABLE] = failpoint
    return environment


def without_trial() -> dict[str, str]:
    """Return our environment for a process beside the trial, which is none of the trial's own."""
    private = (TOKEN_VARIABLE, failpoints.VARIABLE)
    return {name: value for name, value in os.environ.items() if name not in private}
