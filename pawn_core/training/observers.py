"""What happens at step boundaries, in the order of `OBSERVERS`, then of `STOP_CHECKS`."""

import math
from collections.abc import Callable
from typing import NamedTuple, get_args

from pawn_core.checkpoint import store
from pawn_core.checkpoint.manifest import checkpoint_name
from pawn_core.training.learner import Learner, NonFiniteLossError
from pawn_core.training.outcome import Reason
from pawn_core.training.run import Run

_REASONS: tuple[Reason, ...] = get_args(Reason)


class Stop(NamedTuple):
    """Why the loop ends."""

    reason: Reason
    message: str


def log_step(run: Run) -> None:
    """Write a train record of each learner every log_interval steps."""
    if run.step % run.config.log_interval:
        return
    for learner in run.active:
        lr = learner.lr_of(learner.step)
        run.record("train", {**learner.label, "lr": lr, **learner.stats.take()})


def stop_if_not_finite(run: Run) -> None:
    """Raise on a non-finite loss: on a CPU at once, on a GPU without waiting at every step."""
    if run.learners[0].on_cpu or run.step % run.config.log_interval == 0:
        run.check_finite()


def evaluate_when_due(run: Run) -> None:
    """Evaluate every eval_interval steps and at the end; it counts for patience."""
    if not (run.leads and run.is_due(run.config.eval_interval)):
        return
    for learner in run.active:
        if learner.last_eval_step != run.step:
            evaluate(run, learner)
            learner.patience.observe(learner.last_eval, run.step)


def save_when_due(run: Run) -> None:
    """Save every checkpoint_interval steps and at the end."""
    if run.is_due(run.config.checkpoint_interval):
        save(run)


def break_silence(run: Run) -> None:
    """Say how far the run is where nothing else has for long; a long run must not seem to hang."""
    if run.leads and run.pace.quiet_too_long():
        run.say_progress()


OBSERVERS: tuple[Callable[[Run], None], ...] = (
    log_step,
    stop_if_not_finite,
    evaluate_when_due,
    save_when_due,
    break_silence,
)


def evaluate(run: Run, learner: Learner) -> None:
    """Write an eval record of a learner's present weights."""
    learner.check_finite()
    run.phases.begin("first evaluation")
    with run.pause_clock():
        metrics = learner.task.evaluate()
    run.record("eval", {**learner.label, **metrics})
    if not math.isfinite(metrics["val_loss"]):
        raise NonFiniteLossError(run.step, learner.name)
    learner.evaluated(metrics)


def save(run: Run) -> None:
    """Write a checkpoint and announce it."""
    run.check_finite()
    if not run.leads:
        return
    with run.pause_clock():
        run.last_checkpoint = store.save(run.paths.checkpoints, run.checkpoint())
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
    return Stop("paused", f"paused after {due} steps") if due and run.step >= due else None


def _total(run: Run) -> Stop | None:
    total = run.config.total_steps
    return Stop("completed", f"completed {total} steps") if run.step >= total else None


def _patience(run: Run) -> Stop | None:
    """Let learners that are out of patience stop, and the run with the last of them."""
    out = [learner for learner in run.active if _is_out_of_patience(learner)]
    if len(out) == len(run.active):
        return Stop("patience", "; ".join(_why_out(learner) for learner in out or run.learners))
    for learner in out:
        learner.stopped = True
        run.event("variant_stop", _why_out(learner), **learner.label, reason="patience")
    return None


def _is_out_of_patience(learner: Learner) -> bool:
    limit = learner.config.patience
    return limit is not None and learner.patience.without_improvement >= limit


def _why_out(learner: Learner) -> str:
    why = learner.patience.describe()
    return f"{learner.name}: {why}" if learner.name else why


STOP_CHECKS: tuple[Callable[[Run], Stop | None], ...] = (_signal, _total, _pause, _patience)


def find_stop(run: Run) -> Stop | None:
    """Return the first reason to stop at this boundary; the leading process finds it for all."""
    found = (stop for check in STOP_CHECKS if (stop := check(run)))
    stop = next(found, None) if run.leads else None
    code, *stopped = run.processes.follow([_code(stop), *(one.stopped for one in run.learners)])
    for learner, has_stopped in zip(run.learners, stopped, strict=True):
        learner.stopped = bool(has_stopped)
    return stop or (Stop(_REASONS[code], "as the leading process") if code >= 0 else None)


def _code(stop: Stop | None) -> int:
    return _REASONS.index(stop.reason) if stop else -1
