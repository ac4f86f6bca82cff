"""What happens at step boundaries, in the order of `OBSERVERS`, then of `STOP_CHECKS`."""

from collections.abc import Callable
from typing import get_args

from pawn_core.checkpoint import store
from pawn_core.checkpoint.manifest import checkpoint_name
from pawn_core.config import TrainingConfig
from pawn_core.training.outcome import Reason, Stop
from pawn_core.training.run import Run

_IN_HEARTBEATS = ("loss", "lr", "policy_loss", "value_loss", "ssl_loss")
"""Numbers of the last train record, where it has them."""
_REASONS: tuple[Reason, ...] = get_args(Reason)


def log(run: Run) -> None:
    """Write the task's records that are due."""
    run.task.log(run)


def evaluate(run: Run) -> None:
    """Write the task's evaluation that is due."""
    run.task.evaluate(run)


def save_when_due(run: Run) -> None:
    """Save every checkpoint_interval steps and at the end."""
    if run.is_due(run.config.checkpoint_interval):
        save(run)


def break_silence(run: Run) -> None:
    """Say how far the run is where nothing else has for long; a long run must not seem to hang."""
    if run.leads and run.pace.quiet_too_long():
        run.say_progress()


def beat(run: Run) -> None:
    """Say every heartbeat_s seconds how far the run is, what it comes to and what it holds."""
    config = run.config
    every_s = config.heartbeat_s if isinstance(config, TrainingConfig) else None
    if not run.leads or not run.watch.beats(every_s):
        return
    numbers = {n: run.latest[n] for n in _IN_HEARTBEATS if run.latest.get(n) is not None}
    said = "".join(f" {name} {value:.5g}" for name, value in numbers.items())
    message = run.pace.described(run.step, said)
    run.event("heartbeat", message, **numbers, **run.watch.holdings())


def watch_memory(run: Run) -> None:
    """Say that memory runs short."""
    for level, memory in run.watch.complaints() if run.leads else ():
        message = f"the run holds {memory.share:.0%} of the {memory.what} that it may use"
        run.event(level, message, used_bytes=memory.used, limit_bytes=memory.limit)


OBSERVERS: tuple[Callable[[Run], None], ...] = (
    log,
    evaluate,
    save_when_due,
    beat,
    watch_memory,
    break_silence,
)


def save(run: Run) -> None:
    """Write a checkpoint and announce it."""
    run.task.check()
    if not run.leads:
        return
    with run.pause_clock():
        run.last_checkpoint = store.save(run.paths.checkpoints, run.task.checkpoint(run))
    announce_checkpoint(run)


def announce_checkpoint(run: Run) -> None:
    """Write the event of a checkpoint at this step.

    A checkpoint marks its place in the stream before this event, so a run that goes on from it in
    the same folder announces it again.
    """
    name = checkpoint_name(run.step)
    run.event("checkpoint", f"saved {name}", checkpoint=name)


def _signal(run: Run) -> Stop | None:
    signal = run.stop.signal
    return Stop("signal", f"stopped by {signal.name}") if signal else None


def _pause(run: Run) -> Stop | None:
    due = run.config.pause_after_steps
    if not due or run.step < due:
        return None
    return Stop("paused", f"paused after {run.config.progress.counted(due)}")


def _length(run: Run) -> Stop | None:
    length = run.config.length
    if run.step < length:
        return None
    return Stop("completed", f"completed {run.config.progress.counted(length)}")


def _task(run: Run) -> Stop | None:
    return run.task.stop(run)


STOP_CHECKS: tuple[Callable[[Run], Stop | None], ...] = (_signal, _length, _pause, _task)


def find_stop(run: Run) -> Stop | None:
    """Return the first reason to stop at this boundary; the leading process finds it for all."""
    reasons = (stop for check in STOP_CHECKS if (stop := check(run)))
    stop = next(reasons, None) if run.leads else None
    code, *decisions = run.processes.follow([_code(stop), *run.task.decisions()])
    run.task.follow(decisions)
    return stop or (Stop(_REASONS[code], "as the leading process") if code >= 0 else None)


def _code(stop: Stop | None) -> int:
    return _REASONS.index(stop.reason) if stop else -1
