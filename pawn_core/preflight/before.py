"""A preflight as the first part of a run: it goes on where the checks pass, and ends where not."""

import sys
import time
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.manifest import checkpoint_step
from pawn_core.config import ConfigError, RunConfig
from pawn_core.durable import make_directory
from pawn_core.phases import Phases
from pawn_core.preflight.preflight import Preflight, StoppedError
from pawn_core.preflight.report import PreflightReport, read_report
from pawn_core.run_paths import RunPaths
from pawn_core.signals import StopFlag
from pawn_core.training.outcome import Outcome

_TELL_EVERY_S = 2.0


def try_first(
    config: RunConfig,
    run_dir: Path,
    stop: StopFlag,
    *,
    resume: Path | None = None,
    passed: Path | None = None,
    **settings: Any,
) -> Outcome | None:
    """Make a preflight of a run that is about to start; None where it can.

    The report is `preflight.json` of the run's folder. A passed one is kept in the file `passed`
    too, whose folder has to be there: a run that finds one there does no steps of its own.
    settings: those of `Preflight`.

    Raises:
        ConfigError: the run's folder cannot be made.
    """
    try:
        make_directory(run_dir)
    except OSError as error:
        raise ConfigError(f"run-dir {run_dir} cannot be written: {error.strerror}") from None
    phases = Phases(run_dir)
    phases.begin("preflight")
    step = (checkpoint_step(resume) or 0) if resume else 0
    preflight = Preflight(config, run_dir, _Teller(phases, stop), from_step=step, **settings)
    try:
        report = preflight.run(read_report(passed) if passed else None)
    except StoppedError:
        return _stopped(run_dir, phases, stop, step)
    report.write(RunPaths(run_dir).preflight)
    if (failed := report.failed) is None:
        _keep(report, passed)
        return None
    phases.end()
    sys.stderr.write(preflight.last_lines())
    outcome = Outcome("preflight", step, f"preflight, {failed.name}: {failed.found}; {failed.mend}")
    outcome.write(run_dir)
    return outcome


def try_alone(config: RunConfig, run_dir: Path, stop: StopFlag, **settings: Any) -> Outcome:
    """Make a preflight as a run that is nothing else; its outcome is written.

    Raises:
        ConfigError: the run's folder cannot be made.
    """
    outcome = try_first(config, run_dir, stop, **settings)
    if outcome is None:
        Phases(run_dir).end()
        outcome = Outcome("completed", 0, "the preflight has passed; nothing was trained")
        outcome.write(run_dir)
    return outcome


class _Teller:
    """Tells what the preflight is at, now and then, and ends it once the run is asked to stop."""

    def __init__(self, phases: Phases, stop: StopFlag) -> None:
        self._phases, self._stop = phases, stop
        self._told = 0.0

    def __call__(self, note: str) -> bool:
        if time.monotonic() >= self._told + _TELL_EVERY_S:
            self._told = time.monotonic()
            self._phases.tell(note)
        return self._stop.signal is None


def _stopped(run_dir: Path, phases: Phases, stop: StopFlag, step: int) -> Outcome:
    phases.end()
    name = stop.signal.name if stop.signal else "a signal"
    outcome = Outcome("signal", step, f"stopped by {name} before the first step")
    outcome.write(run_dir)
    return outcome


def _keep(report: PreflightReport, passed: Path | None) -> None:
    """Let the next run of this shape know."""
    if report.known or passed is None or not passed.parent.is_dir():
        return
    try:
        report.write(passed)
    except OSError as error:
        sys.stderr.write(f"{passed} cannot be written, so the next run tries again: {error}\n")
