"""Trying a config for a few steps: on this machine at once, or as a trial where trials run."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pawn_core.config import RunConfig
from pawn_core.preflight.report import PreflightReport, read_report
from pawn_lab.errors import InvalidConfigError, InvalidRequestError, LabError
from pawn_lab.executors.executor import Device
from pawn_lab.executors.local.devices import environment_of
from pawn_lab.executors.registry import LOCAL
from pawn_lab.lab import choosing, launching, queries, spending, storing
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Trial
from pawn_lab.scheduling import runnable
from pawn_lab.shim import environment
from pawn_lab.states import ENDED
from pawn_lab.trials import checks

_MODULE = "pawn_core.preflight"
TRAINER = (sys.executable, "-P", "-m", _MODULE)
TAG = "preflight"
_REFUSED = 2
_POLL_S = 0.5


class PreflightError(LabError):
    """A preflight ended without a report."""


def here(lab: Lab, config: dict[str, Any], **settings: float) -> PreflightReport:
    """Try a config on devices of this machine that no trial holds.

    settings: of `python -m pawn_core.preflight`, `steps` and `limit_s`.

    Raises:
        InvalidRequestError: the config is refused, trials run elsewhere, or no device is free.
        PreflightError: it ended without a report.
    """
    checked = checks.checked_config(config)
    if (executor := choosing.chosen(lab).executor) != LOCAL:
        raise InvalidRequestError(
            f"trials of this lab run on '{executor}', not on this machine: --on-executor"
        )
    runnable.check_runnable(checked, lab.executor, lab.devices)
    fixed = launching.with_fixed_weights(lab, checked)
    confinement = environment_of(_free(lab, fixed.gpus), len(lab.devices))
    with tempfile.TemporaryDirectory(prefix=".preflight-", dir=_beside_trials(lab)) as folder:
        report = _tried(fixed, Path(folder), confinement, settings)
    return report.priced(spending.hourly(lab), fixed.gpus)


def _beside_trials(lab: Lab) -> Path:
    """Return the folder of the trials, or one on the volume that will hold it."""
    folders = (lab.paths.trials, lab.paths.root, *lab.paths.root.parents)
    return next(folder for folder in folders if folder.is_dir())


def _free(lab: Lab, count: int) -> list[Device]:
    """Return devices that no trial holds.

    Raises:
        InvalidRequestError: there are not so many.
    """
    held = {status.id for status in queries.devices(lab) if status.trial_id is not None}
    free = [device for device in lab.devices if device.id not in held]
    if len(free) < count:
        raise InvalidRequestError(
            f"{len(free)} of {len(lab.devices)} devices are free, and it takes {count}: wait, or "
            "--on-executor, which queues it"
        )
    return free[:count]


def _tried(
    config: RunConfig, folder: Path, confinement: dict[str, str], settings: dict[str, float]
) -> PreflightReport:
    """Run a preflight in the environment of a trial; what it says besides is passed on."""
    request = folder / "request.json"
    request.write_text(config.model_dump_json(), encoding="utf-8")
    command = [*TRAINER, "--config", str(request), "--folder", str(folder), "--json"]
    command += _options(settings)
    known = environment.allowed(os.environ) | confinement
    done = subprocess.run(command, env=known, stdout=subprocess.PIPE, check=False)
    if done.returncode == _REFUSED:
        raise InvalidConfigError("the config is refused, see above")
    try:
        return PreflightReport.model_validate(json.loads(done.stdout))
    except ValueError:
        raise PreflightError(f"the preflight ended with {done.returncode}, see above") from None


def _options(settings: dict[str, float]) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


def on_executor(
    lab: Lab, config: dict[str, Any], say: Callable[[Trial], None], **settings: float
) -> tuple[Trial, PreflightReport | None]:
    """Try a config as a trial of its own, queued as any; it is archived when it has ended.

    say: told the trial when its state changes. settings: as `here` takes them. Returns the trial
    and its report, if it left one.

    Raises:
        InvalidRequestError: the config is refused.
    """
    trainer = (*TRAINER, *_options(settings))
    training, lab.launcher = lab.launcher, replace(lab.launcher, trainer=trainer)
    try:
        trial = launching.launch(lab, config, tags=[TAG])
    finally:
        lab.launcher = training
    say(trial)
    while trial.state not in ENDED:
        time.sleep(_POLL_S)
        before, trial = trial.state, queries.trial(lab, trial.id)
        if trial.state != before:
            say(trial)
    paths = lab.paths.trial(trial.id)
    storing.archive(lab, [trial.id])
    report = read_report(paths.preflight, paths.outer)
    return trial, report and report.priced(spending.hourly(lab), trial.config.get("gpus", 1))
