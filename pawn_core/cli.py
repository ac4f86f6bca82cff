"""`pawn-train`: train from a config file, from flags, or from a checkpoint.

The flags are the config's fields: one list for the file, the schema and the command line.
"""

import logging
import os
import secrets
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.manifest import latest_verified, list_checkpoints
from pawn_core.config import (
    ConfigError,
    RunConfig,
    changed,
    parse_config,
    run_type_named,
)
from pawn_core.config.files import read_json
from pawn_core.machine import processes_refusal, refusals, this_machine, warnings
from pawn_core.options import AUTO_RESUME, OWN_OPTIONS, flag, given_options
from pawn_core.run_paths import CONFIG, STATE, RunPaths
from pawn_core.signals import StopFlag
from pawn_core.threads import THREADS_VARIABLE, settle_threads, usable_cores
from pawn_core.training.outcome import EXIT_CONFIG_ERROR, Outcome

SUPERVISED = "PAWN_TRIAL_TOKEN"
"""In the environment of a run that a lab watches and resumes."""

_PLACES = ("local_checkpoints", "hf_repo")
_LOGS = Path("logs")
_ADJECTIVES = (
    "amber brisk calm dapper eager fuzzy gentle hasty jolly keen lucid mellow nimble zesty"
)
_ANIMALS = "badger crane dingo egret ferret gecko heron ibis lemur marten otter osprey puffin wren"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says and return the exit code."""
    stop = StopFlag().install()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        options = _resumed(given_options(sys.argv[1:] if arguments is None else arguments))
        config, resume = _read_config(options)
        run_dir = options.get("run_dir") or new_run_dir()
        settle_threads(_saved_threads(resume))
        if (code := _preflight(config, run_dir, resume, options, stop)) is not None:
            return code
        _check_runnable(config)
        _say_what_is_idle(config, options)
        _tell(f"run folder {run_dir}, {os.environ[THREADS_VARIABLE]} threads; loading torch")
        return _train(config, run_dir, resume, stop)
    except ConfigError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"pawn-train: {line}\n")
        return EXIT_CONFIG_ERROR


def _resumed(options: dict[str, Any]) -> dict[str, Any]:
    """Return options of which --resume is what --auto-resume comes to.

    Raises:
        ConfigError: it is not said where, or what is there must not be begun anew.
    """
    if not options.pop(AUTO_RESUME, False):
        return options
    if "resume" in options:
        raise ConfigError("--auto-resume finds the checkpoint that --resume names: give one")
    if "run_dir" not in options:
        raise ConfigError("--auto-resume needs --run-dir: the folder of the run to go on with")
    paths = RunPaths(options["run_dir"])
    newest = latest_verified(paths.checkpoints)
    if newest is not None:
        _tell(f"--auto-resume: goes on from {newest}")
        return options | {"resume": newest}
    if damaged := list_checkpoints(paths.checkpoints):
        names = ", ".join(path.name for path in damaged)
        raise ConfigError(f"--auto-resume: {paths.checkpoints} holds no whole checkpoint: {names}")
    _tell(f"--auto-resume: starts, for {paths.root} holds no checkpoint")
    paths.metrics.unlink(missing_ok=True)  # of a run that ended before its first
    return options


def _preflight(
    config: RunConfig, run_dir: Path, resume: Path | None, options: dict[str, Any], stop: StopFlag
) -> int | None:
    """Try the run first, where that is asked for; return the exit code where it ends with that.

    Before any other look at the machine: a process that has looked at its GPUs cannot be forked.
    """
    if "preflight" not in options or not _leads():
        return None
    from pawn_core.preflight.before import try_first

    outcome = try_first(config, run_dir, stop, resume=resume, passed=options["preflight"])
    if outcome is None:
        return None
    sys.stderr.write(f"pawn-train: {outcome.message}\n")
    return _exit_code(outcome, stop)


def _leads() -> bool:
    """Whether this is the only one, or the first, of the processes that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _check_runnable(config: RunConfig) -> None:
    """Refuse what cannot run here before torch is imported, which takes seconds."""
    machine = this_machine()
    if reasons := refusals(config, machine) or [*filter(None, [processes_refusal(config.gpus)])]:
        raise ConfigError("\n".join(reasons))
    for warning in warnings(config, machine):
        _tell(warning)


def _say_what_is_idle(config: RunConfig, options: dict[str, Any]) -> None:
    """Say which of the fields that were given, by flags or a file, have no effect."""
    given = {*options, *(read_json(options["config"]) if "config" in options else ())}
    for field, why in config.no_effect().items():
        if field.partition(".")[0] in given:
            _tell(f"{field} has no effect: {why}")


def _train(config: RunConfig, run_dir: Path, resume: Path | None, stop: StopFlag) -> int:
    # torch takes seconds to import: not before the arguments are known to be good.
    from pawn_core.checkpoint import CheckpointError
    from pawn_core.training.trainer import run_training

    _tell("Ctrl-C saves a checkpoint at the end of a step and stops")
    try:
        outcome = run_training(config, run_dir, resume, stop)
    except CheckpointError as error:
        raise ConfigError(f"--resume: {error}") from None
    _tell(_farewell(outcome, config, run_dir))
    return _exit_code(outcome, stop)


def _exit_code(outcome: Outcome, stop: StopFlag) -> int:
    return 128 + stop.signal if outcome.reason == "signal" and stop.signal else outcome.exit_code


def _farewell(outcome: Outcome, config: RunConfig, run_dir: Path) -> str:
    """Say how a run ended, and which command goes on from there."""
    if outcome.checkpoint is None:
        return f"{outcome.message}; no checkpoint was saved in {run_dir}"
    newest = RunPaths(run_dir).checkpoints / outcome.checkpoint
    spent = {"completed": config.progress.field, "patience": "patience"}.get(outcome.reason)
    if not config.resumable or spent in config.fields_marked("fixed_on_resume"):
        return f"{outcome.message}; checkpoint {newest}"
    folder = shlex.quote(str(run_dir))
    longer = f" {flag(spent)} N" if spent else ""
    return (
        f"{outcome.message}; newest checkpoint {newest}; "
        f"to go on: pawn-train --resume {folder} --run-dir {folder}{longer}"
    )


def _tell(line: str) -> None:
    """Say something to a person at the terminal; a supervised run has none."""
    if SUPERVISED not in os.environ and _leads():
        sys.stderr.write(f"pawn-train: {line}\n")
        sys.stderr.flush()


def _read_config(options: dict[str, Any]) -> tuple[RunConfig, Path | None]:
    """Merge the config file, or else the checkpoint's config, with the flags."""
    resume = _checkpoint(options["resume"]) if "resume" in options else None
    raw: dict[str, Any] = {}
    if "config" in options:
        raw = read_json(options["config"])
    elif resume is not None:
        raw = read_json(resume / CONFIG) | {"pause_after_steps": None}
    if resume is not None:
        _check_resumable(resume)
    flags = {name: value for name, value in options.items() if name not in OWN_OPTIONS}
    for place, other in (_PLACES, _PLACES[::-1]):  # each excludes the other
        if flags.get(place) and other not in flags:
            raw.pop(other, None)
    return parse_config(changed(raw, flags) if resume else raw | flags), resume


def _check_resumable(checkpoint: Path) -> None:
    name = read_json(checkpoint / CONFIG).get("run_type", "pretrain")
    if not run_type_named(name).config.resumable:
        raise ConfigError(f"--resume: a run of run_type '{name}' leaves nothing to go on with")


def _checkpoint(path: Path) -> Path:
    """Return a checkpoint; of a run's folder, or a trial's, its newest whole one."""
    folders = (run.checkpoints for run in (RunPaths(path), RunPaths.in_trial(path)))
    saved = next((folder for folder in folders if folder.is_dir()), None)
    if saved is None:
        return path
    newest = latest_verified(saved)
    if newest is None:
        raise ConfigError(f"--resume: {saved} holds no whole checkpoint")
    return newest


def _saved_threads(checkpoint: Path | None) -> int | None:
    """Return how many threads a checkpoint was trained with, as far as this machine has them."""
    if checkpoint is None:
        return None
    try:
        threads = read_json(checkpoint / STATE).get("threads")
    except ConfigError:  # its loading says what is wrong with it
        return None
    return min(threads, usable_cores()) if isinstance(threads, int) and threads > 0 else None


def new_run_dir() -> Path:
    """Return a folder of a new name for a run."""
    slug = "-".join(secrets.choice(words.split()) for words in (_ADJECTIVES, _ANIMALS))
    return _LOGS / f"run_{time.strftime('%Y%m%d_%H%M%S')}_{slug}"
