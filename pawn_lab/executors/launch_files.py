"""What a trial is started from: its config, its shim's orders, where its numbers come from."""

import os
from collections.abc import Mapping
from typing import Any

from pawn_core.durable import make_directory, sync_file
from pawn_core.threads import SLEEP, WAIT_VARIABLE
from pawn_lab.documents import write_json
from pawn_lab.executors import provenance
from pawn_lab.executors.executor import Claim
from pawn_lab.locks import is_current
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import environment
from pawn_lab.shim.identity import TOKEN_VARIABLE
from pawn_lab.store.rows import TrialRow
from pawn_lab.trials import preflights


def write(
    workspace: WorkspacePaths, claim: Claim, confinement: Mapping[str, str], driver: str | None
) -> None:
    """Write what a claimed trial needs.

    confinement: the variables that confine a trainer to the claim's devices. driver: the version of
    the devices' driver, where they have one.

    Raises:
        OSError: another front end has taken the launch over, or a file cannot be written.
    """
    trial = claim.trial
    paths = workspace.trial(trial.id)
    if not is_current(claim.lock, paths.alive_lock):
        raise OSError("another front end has taken this launch over")
    write_json(paths.request, dict(trial.config))
    own = environment.TrialEnvironment.of(_trainer_environment(workspace, claim, confinement))
    passed = _preflight(workspace, claim, driver)
    launch: dict[str, Any] = {
        "argv": trainer_argv(workspace, trial) + passed,
        "preflight": bool(passed),
        "environment": own.shown,
        "masked": own.masked,
        "limits": trial.limits,
    }
    write_json(paths.launch, launch, mode=0o600)
    provenance.record(paths, trial, claim.devices, driver)
    for folder in (workspace.trials, workspace.root):
        sync_file(folder)


def _trainer_environment(
    workspace: WorkspacePaths, claim: Claim, confinement: Mapping[str, str]
) -> dict[str, str]:
    own = environment.allowed(os.environ)
    return {
        WAIT_VARIABLE: SLEEP,
        **environment.compiled_into(workspace.compiled, own),
        **own,
        **confinement,
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
        TOKEN_VARIABLE: claim.trial.held_token,
    }


def _preflight(workspace: WorkspacePaths, claim: Claim, driver: str | None) -> list[str]:
    """Return the arguments by which a trial that is paid for is tried before its first step."""
    trial = claim.trial
    if not preflights.is_due(trial.trainer, claim.hourly):
        return []
    names = [device.name if device.kind == "gpu" else device.kind for device in claim.devices]
    passed = workspace.preflight(preflights.shape(trial.config, names, driver))
    make_directory(passed.parent)
    return ["--preflight", os.path.relpath(passed, workspace.trial(trial.id).root)]


def trainer_argv(workspace: WorkspacePaths, trial: TrialRow) -> list[str]:
    """Return the trainer's command line, to be run in the trial's folder."""
    paths = workspace.trial(trial.id)
    trainer = distributed(trial.trainer, trial.config.get("gpus", 1))
    argv = [*trainer, "--config", paths.request.name, "--run-dir", paths.run.name]
    if trial.checkpoint is not None:
        argv += ["--resume", str(workspace.root.resolve() / trial.checkpoint)]
    return argv


def distributed(trainer: list[str], processes: int) -> list[str]:
    """Return the command that runs a trainer module as so many processes, one a device."""
    if processes == 1 or "-m" not in trainer:
        return trainer
    module = trainer.index("-m")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [*trainer[:module], *launcher, *trainer[module:]]
