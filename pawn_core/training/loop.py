"""The training loop."""

from contextlib import suppress

from pawn_core.checkpoint.manifest import checkpoint_step
from pawn_core.signals import Interrupted
from pawn_core.training import observers
from pawn_core.training.observers import OBSERVERS, find_stop
from pawn_core.training.outcome import Outcome, Stop
from pawn_core.training.run import Run
from pawn_core.training.task import NonFiniteLossError
from pawn_core.training.uploading import tell_uploads


def train(run: Run) -> Outcome:
    """Advance the run until there is a reason to stop; the outcome is in the stream, not on disk.

    At each boundary: log, evaluate, checkpoint, tell the uploads, then the stop checks.
    """
    try:
        _catch_up(run)
        return _finish(run, _steps(run))
    except NonFiniteLossError as error:
        run.event("non_finite", str(error), non_finite_step=error.step)
        return run.outcome("non_finite", str(error))


def _catch_up(run: Run) -> None:
    """Do what comes before the first step, or what the boundary of a resumed step still lacks.

    Its evaluation may have been interrupted; and the event of its checkpoint follows the place
    that the checkpoint marks in the stream.
    """
    with suppress(Interrupted):
        if run.step == 0:
            run.task.evaluate_start(run)
            return
        observers.evaluate(run)
    if run.continues_stream and run.is_due(run.config.checkpoint_interval):
        observers.announce_checkpoint(run)


def _steps(run: Run) -> Stop:
    stop = find_stop(run)
    while stop is None:
        with suppress(Interrupted):  # the flag is set: the stop checks come next
            run.advance()
            _boundary(run)
        stop = find_stop(run)
    return stop


def _boundary(run: Run) -> None:
    with suppress(Interrupted):  # the flag is set: the stop checks come next
        for observe in OBSERVERS:
            observe(run)
    tell_uploads(run)


def _finish(run: Run, stop: Stop) -> Outcome:
    """Save what is not saved yet, and evaluate a paused run that has no evaluation of this step.

    That evaluation follows the checkpoint and leaves patience alone, so that a resumed run has
    the stream of one that never paused.
    """
    if run.step and not _is_saved(run):
        observers.save(run)
    if stop.reason == "paused" and run.leads:
        run.task.evaluate_paused(run)
    run.event("pause" if stop.reason == "paused" else "stop", stop.message, reason=stop.reason)
    return run.outcome(stop.reason, stop.message)


def _is_saved(run: Run) -> bool:
    return run.last_checkpoint is not None and checkpoint_step(run.last_checkpoint) == run.step
