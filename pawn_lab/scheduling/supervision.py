"""From what the executor sees to the state of a trial. The database is the truth."""

from collections.abc import Mapping

from pawn_lab.executors.attempt import Attempt, Shim
from pawn_lab.executors.executor import Executor, Life, Sight
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Exit, Games
from pawn_lab.reporting import exits
from pawn_lab.reporting.post_mortem import post_mortem
from pawn_lab.states import ENDED_WELL, HOLDING, State
from pawn_lab.store import Transaction, events, leases, trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import streams

MOST_LAUNCH_ATTEMPTS = 3
_UNSEEN = Sight(Life.UNKNOWN)


def attempts(tx: Transaction, workspace: WorkspacePaths) -> list[Attempt]:
    """Return the attempts that hold devices, for the executor to look at."""
    return [Attempt.of(workspace, trial) for trial in trials.select(tx, HOLDING)]


def reconcile(
    tx: Transaction,
    workspace: WorkspacePaths,
    executor: Executor,
    sights: Mapping[Attempt, Sight],
) -> list[Attempt]:
    """Bring every trial that was seen up to date; return the attempts that must be stopped.

    A trial that holds devices by another attempt than the one seen has been launched since.
    """
    to_stop = []
    for trial in trials.select(tx, HOLDING):
        attempt = Attempt.of(workspace, trial)
        sight = sights.get(attempt, _UNSEEN)
        if sight.life != Life.UNKNOWN and _reconcile_trial(tx, executor, attempt, trial, sight):
            to_stop.append(attempt)
    return to_stop


def abandon_launch(tx: Transaction, claimed: TrialRow, why: str) -> None:
    """Queue again a trial that never had a process, or give it up after several attempts.

    Does nothing when another process has already dealt with this attempt.
    """
    trial = trials.get(tx, claimed.id)
    if (trial.state, trial.token) != (State.LAUNCHING, claimed.token):
        return
    if trial.attempts < MOST_LAUNCH_ATTEMPTS:
        queued = trials.move(tx, trial, State.QUEUED, f"launch interrupted, queued again: {why}")
        if trial.kill_reason is not None:
            how = Exit.never_ran(trial.kill_reason)
            trials.move(tx, queued, State.KILLED, how.message, exit=how)
        return
    how = Exit.lost(f"never started in {trial.attempts} attempts: {why}")
    trials.move(tx, trial, State.LOST, how.message, exit=how)


def _reconcile_trial(
    tx: Transaction, executor: Executor, attempt: Attempt, trial: TrialRow, sight: Sight
) -> bool:
    """Bring one trial up to date; say whether it must be stopped."""
    if trial.state == State.LAUNCHING and sight.shim is not None:
        started_at = sight.shim.started.seen_from(tx.moment)
        trial = trials.move(tx, trial, State.RUNNING, "trainer started", started_at=started_at)
    if trial.state == State.LAUNCHING:
        _see_to_launch(tx, executor, attempt, trial, sight)
        return False
    if trial.config.kind.reads_games() and (trial.games is None or sight.exit is not None):
        _note_games(tx, attempt.paths, trial)
    if sight.life == Life.ALIVE:
        return _supervise(tx, executor, attempt, trial, sight.shim)
    if sight.exit is not None:
        _end(tx, attempt.paths, trial, sight, sight.exit)
    elif sight.life == Life.ELSEWHERE:
        _end_copy(tx, trial)
    elif executor.end(attempt):
        _end_lost(tx, attempt.paths, trial, sight.why or "its shim died without recording an end")
    return False


def _note_games(tx: Transaction, paths: TrialPaths, trial: TrialRow) -> None:
    """Keep which real games a trial reads, once its stream has begun with them.

    Those of another trial that it began with, of a file that has changed since, do not last.
    """
    if (games := Games.of(streams.config_record(paths).get("games"))) is not None:
        trials.set_games(tx, trial, games)


def _see_to_launch(
    tx: Transaction, executor: Executor, attempt: Attempt, trial: TrialRow, sight: Sight
) -> None:
    """Queue a launch again whose launcher has died, or holds a device for nothing."""
    if sight.life != Life.ALIVE:
        if executor.end(attempt):  # its lock may have been deleted before its shim told of itself
            abandon_launch(tx, trial, sight.why or "the launching process died")
        return
    held_s = tx.now - leases.since(tx, trial.id)
    why = executor.recall(attempt, held_s, _stop_asked_s(tx, trial))
    if why is not None:
        abandon_launch(tx, trial, why)


def _supervise(
    tx: Transaction, executor: Executor, attempt: Attempt, trial: TrialRow, shim: Shim | None
) -> bool:
    """See to it that a trial has an owner that answers; say whether it is to be stopped."""
    stop_asked_s = _stop_asked_s(tx, trial)
    for step in executor.tend(attempt, shim, stop_asked_s):
        events.append(tx, "stuck", step, trial.id)
    return stop_asked_s is not None


def _stop_asked_s(tx: Transaction, trial: TrialRow) -> float | None:
    """Return for how long a trial has been asked to stop; None where it was not."""
    if trial.kill_reason is None:
        return None
    return tx.now - events.latest_time(tx, trial.id, "kill_requested")


def _end(
    tx: Transaction, paths: TrialPaths, trial: TrialRow, sight: Sight, record: exits.ExitRecord
) -> None:
    state, ending = exits.verdict(record, trial.kill_reason, paths)
    if state == State.FAILED:
        ending = _explained(tx, paths, trial, ending)
    shim = sight.shim
    started_at = trial.started_at if shim is None else shim.started.seen_from(tx.moment)
    times = {"started_at": started_at, "ended_at": record.ended.seen_from(tx.moment)}
    unit = trial.config.kind.progress.unit
    left = "" if state in ENDED_WELL else f"; {exits.saved(paths, unit, ending.step)}"
    trials.move(tx, trial, state, ending.message + left, ending.model_dump(), exit=ending, **times)


def _end_copy(tx: Transaction, trial: TrialRow) -> None:
    ending = Exit.lost("this workspace is a copy: the trial may go on where it was started")
    trials.move(tx, trial, State.LOST, ending.message, exit=ending)


def _end_lost(tx: Transaction, paths: TrialPaths, trial: TrialRow, why: str) -> None:
    """Mark a trial lost of which no process is left."""
    last_sign = _last_sign_of_life(paths, tx.now)
    saved = exits.saved(paths, trial.config.kind.progress.unit)
    asked = "a kill was asked for, and " if trial.kill_reason is not None else ""
    ending = Exit.lost(
        f"{asked}{why}; {saved}. Its device-time "
        f"counts up to its last sign of life, {max(0.0, tx.now - last_sign):.0f} s ago"
    )
    explained = _explained(tx, paths, trial, ending)
    data = explained.model_dump()
    trials.move(tx, trial, State.LOST, ending.message, data, exit=explained, ended_at=last_sign)


def _explained(tx: Transaction, paths: TrialPaths, trial: TrialRow, ending: Exit) -> Exit:
    """Add the post-mortem, where the trial's files can be read."""
    good = trials.select(tx, ENDED_WELL)
    try:
        explained = post_mortem(trial, ending, paths, good)
    except OSError:
        return ending
    return ending.model_copy(update={"post_mortem": explained})


def _last_sign_of_life(paths: TrialPaths, default: float) -> float:
    times = [f.stat().st_mtime for f in (paths.log, paths.metrics) if f.exists()]
    return max(times, default=default)
