"""What a run tells its uploads, and what it writes down of theirs."""

import time
from dataclasses import replace

from pawn_core.checkpoint import volatile
from pawn_core.checkpoint.manifest import checkpoint_step
from pawn_core.compiled_archive import CompiledArchive
from pawn_core.compiler_cache import compilation
from pawn_core.training.outcome import Outcome
from pawn_core.training.run import Run
from pawn_core.uploads import backlog
from pawn_core.uploads.process import UploadProcess
from pawn_core.uploads.worker import Report

FINISH_S = 900.0
"""How long a run that has ended waits for its uploads."""
HURRY_S = 12.0
"""The same where a signal asks for a quick end, with half a minute for everything."""


def tell_uploads(run: Run) -> None:
    """Say what is saved by now, and write down what has arrived; never waits."""
    step = checkpoint_step(run.last_checkpoint) if run.last_checkpoint else None
    if step is not None and run.archive is not None and run.leads:
        _pack_compiled(run, run.archive)
    for upload in run.uploads:
        if step is not None:
            upload.saved(step)
        _write_down(run, upload.reports())


def finish_uploads(run: Run, outcome: Outcome) -> Outcome:
    """Wait for the last uploads, for so long at most; the outcome says what has not arrived."""
    begin = time.monotonic()

    def time_left_s() -> float:
        return begin + (HURRY_S if run.stop.signal else FINISH_S) - time.monotonic()

    tell_uploads(run)
    for upload in run.uploads:
        upload.end()
    for upload in run.uploads:
        _write_down(run, upload.finish(time_left_s))
    missing = "; ".join(text for upload in run.uploads if (text := _missing(run, upload)))
    if run.config.shm_checkpoints and run.leads:
        _settle(run)
    return replace(outcome, message=f"{outcome.message}; {missing}") if missing else outcome


def _pack_compiled(run: Run, archive: CompiledArchive) -> None:
    """Let what is compiled by now go along with the next checkpoint."""
    try:
        archive.update(compilation().get("graphs", 0))
    except OSError as error:
        run.archive = None
        run.event("compiled_not_kept", f"{archive.path} cannot be written: {error.strerror}")


def _write_down(run: Run, reports: list[Report]) -> None:
    for report in reports:
        details = {k: v for k, v in report.items() if k not in ("event", "message")}
        run.event(report["event"], report["message"], **details)


def _missing(run: Run, upload: UploadProcess) -> str:
    """Write down, and return, what has not arrived at a destination."""
    names = [path.name for path in upload.missing()]
    if not names:
        return ""
    text = f"{', '.join(names)} not uploaded to {upload.where}"
    remedy = f"`python -m pawn_core.uploads {run.run_dir}` does it"
    run.event("upload_failed", f"{text}; {remedy}", destination=upload.name, checkpoints=names)
    return text


def _settle(run: Run) -> None:
    """Bring what matters from memory to the disk."""
    try:
        volatile.settle(run.paths.checkpoints, backlog.notable(run.run_dir).in_order)
    except OSError as error:
        run.event("memory_only", f"checkpoints stay in memory, not on the disk: {error}")
