"""Where a trial's numbers come from: code, packages, machine. No environment, so no secret."""

import contextlib
import functools
import hashlib
import platform
import subprocess
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from pawn_core.durable import replace_file
from pawn_lab.documents import write_json
from pawn_lab.executors.executor import Device
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials.code import code_digest

_PACKAGES = (
    *("pawn-lab", "pawn-engine", "torch", "numpy", "safetensors", "pydantic"),
    *("huggingface-hub", "apsw", "mcp", "optuna", "triton"),
)
_SOURCES = ("pawn_core", "pawn_lab", "engine", "scripts", "pyproject.toml", "uv.lock", "Cargo.lock")
# Whatever the user has set for git: no program of theirs runs, and the output is a patch.
_OWN_SETTINGS = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true")
_AS_PATCH = (
    *("--patch", "--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--no-relative"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--submodule=short"),
)
_MOST_PATCH_BYTES = 1 << 20
_GIT_TIMEOUT_S = 5.0


def record(paths: TrialPaths, trial: TrialRow, devices: list[Device], driver: str | None) -> None:
    """Write a trial's provenance, and beside it how the code differs from its commit.

    driver: the version of the devices' driver, where they have one.

    Raises:
        OSError: a file cannot be written.
    """
    patch = _git("diff", *_AS_PATCH, "HEAD", "--", *_SOURCES) or b""
    if patch:
        replace_file(paths.patch, patch[:_MOST_PATCH_BYTES])
    commit = _git("rev-parse", "HEAD")
    seeds = {n: v for n, v in trial.config.items() if n == "seed" or n.endswith("_seed")}
    write_json(
        paths.provenance,
        {
            "commit": commit.decode().strip() if commit else None,
            "dirty_patch_sha256": hashlib.sha256(patch).hexdigest() if patch else None,
            "code_sha256": code_digest(),
            "packages": _packages(),
            "python": platform.python_version(),
            "system": platform.platform(),
            "device": ",".join(device.id for device in devices),
            "device_name": ", ".join(dict.fromkeys(device.name for device in devices)),
            "driver": driver,
            "seeds": seeds,
        },
    )


@functools.cache
def _packages() -> dict[str, str]:
    """Return the versions of the packages that decide what is computed, as far as installed."""
    versions: dict[str, str] = {}
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _repository() -> Path | None:
    """Return the repository of our sources; None where they are in none."""
    spec = find_spec("pawn_core")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent.parent
    return root if (root / ".git").exists() else None


def _git(*arguments: str) -> bytes | None:
    """Return what git says about our sources; None where they are in no repository."""
    root = _repository()
    if root is None:
        return None
    try:
        done = subprocess.run(
            ["git", *_OWN_SETTINGS, "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
