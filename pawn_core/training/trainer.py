"""Build a run from a config, do it, and record how it ended."""

import json
import logging
import platform
import random
import traceback
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import torch

from pawn_core.checkpoint import store, volatile
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.compiled_archive import CompiledArchive
from pawn_core.compiler_cache import cache_key, compilation, discard, import_compiler
from pawn_core.config import ConfigError, RunConfig, run_type_named
from pawn_core.durable import make_directory, replace_file
from pawn_core.metrics import START, MetricsWriter
from pawn_core.parallel import leave_processes
from pawn_core.phases import Phases
from pawn_core.run_paths import RunPaths
from pawn_core.runtime import resolve_runtime
from pawn_core.signals import Interrupted, StopFlag
from pawn_core.sinks.registry import open_sinks
from pawn_core.training.loop import train
from pawn_core.training.outcome import Outcome
from pawn_core.training.resume import check_resumable
from pawn_core.training.run import Run, metrics_mark
from pawn_core.training.setup import Setup
from pawn_core.training.task import Task
from pawn_core.training.uploading import finish_uploads
from pawn_core.training.watching import Watch
from pawn_core.uploads.process import open_uploads

_LOG = logging.getLogger("pawn_core")


def run_training(config: RunConfig, run_dir: Path, resume: Path | None, stop: StopFlag) -> Outcome:
    """Train in `run_dir`, from the start or from a checkpoint directory; writes `outcome.json`.

    Raises:
        ConfigError: the config cannot be honoured here, or `run_dir` holds another run.
        CheckpointError: the checkpoint is incomplete or damaged.
    """
    if refusals := config.refusals():
        raise ConfigError("\n".join(refusals))
    checkpoint = store.load(resume) if resume else None
    if checkpoint:
        check_resumable(config, checkpoint.config, checkpoint.step)
    saved_precision = checkpoint.training_state.get("amp_dtype") if checkpoint else None
    runtime = resolve_runtime(config, saved_precision)
    setup = Setup(config, run_dir, runtime, stop, resume, checkpoint)
    _task_of(config)  # imports what it is made of
    if runtime.compiler_cache is not None:
        import_compiler(runtime.compiler_cache)
    try:
        return _lead(setup) if runtime.processes.leads else _follow(setup)
    finally:
        leave_processes()


def _lead(setup: Setup) -> Outcome:
    uploads = open_uploads(setup.config, setup.run_dir)
    try:
        _prepare(setup)
        phases = Phases(setup.run_dir)
        try:
            setup = _fitted(setup, phases)
        except Interrupted:
            return _end_before_the_start(setup, phases)
        _write_config(setup)
        phases.begin("build")
        with _open_metrics(setup) as metrics:
            run = build_run(setup, metrics)
            run.phases = phases
            run.uploads = uploads
            result = _train(setup, run)
    finally:
        for upload in uploads:
            upload.kill()
    phases.end()
    run.task.finish(run, result.reason)
    result.write(setup.run_dir)
    return result


def _follow(setup: Setup) -> Outcome:
    """Train beside the leading process, leaving all files to it."""
    phases = Phases()
    try:
        setup = _fitted(setup, phases)
    except Interrupted:
        return _end_before_the_start(setup, phases)
    return _train(setup, build_run(setup, metrics=None))


def _fitted(setup: Setup, phases: Phases) -> Setup:
    """Fit the config to what the task works on, which may have to be read for long."""

    def say(note: str) -> None:
        phases.begin("games")
        phases.tell(note)
        if setup.runtime.processes.leads:
            _LOG.info("%s", note)

    return _task_of(setup.config).fitted(setup, say)


def _end_before_the_start(setup: Setup, phases: Phases) -> Outcome:
    """Return the outcome of a run that was asked to stop before it was there."""
    phases.end()
    signal = setup.stop.signal
    message = f"stopped by {signal.name if signal else 'a signal'} before the first step"
    newest = setup.resumed_from if setup.continues_stream else None
    step = setup.checkpoint.step if setup.checkpoint else 0
    outcome = Outcome("signal", step, message, newest.name if newest else None)
    if setup.runtime.processes.leads:
        outcome.write(setup.run_dir)
    return outcome


def _task_of(config: RunConfig) -> type[Task]:
    return resolve_name(run_type_named(config.run_type).task)


def _prepare(setup: Setup) -> None:
    """Make the run's folder, or check that it is this run's."""
    run_dir = setup.run_dir
    if not setup.continues_stream and _holds_run(setup.paths):
        raise ConfigError(
            f"run-dir {run_dir} already holds a run; choose another, "
            "or resume from one of its checkpoints"
        )
    try:
        make_directory(run_dir)
        for leftover in (setup.paths.outcome, setup.paths.schedule_health):
            leftover.unlink(missing_ok=True)
        _place_checkpoints(setup)
    except OSError as error:
        raise ConfigError(f"run-dir {run_dir} cannot be written: {error.strerror}") from None


def _write_config(setup: Setup) -> None:
    document = json.dumps(setup.config.model_dump(mode="json"), indent=1)
    try:
        replace_file(setup.paths.config, document.encode() + b"\n")
    except OSError as error:
        raise ConfigError(f"{setup.paths.config} cannot be written: {error.strerror}") from None


def _place_checkpoints(setup: Setup) -> None:
    """Make room for checkpoints where the config wants them."""
    checkpoints = setup.paths.checkpoints
    if setup.config.shm_checkpoints:
        try:
            volatile.keep_in_memory(checkpoints)
        except OSError as error:
            raise ConfigError(f"shm_checkpoints cannot be honoured here: {error}") from None
    store.remove_partials(checkpoints)


def _holds_run(paths: RunPaths) -> bool:
    return paths.metrics.exists() and paths.metrics.stat().st_size > 0


def _train(setup: Setup, run: Run) -> Outcome:
    """Train; turn an unexpected exception into an outcome, its traceback into the log."""
    try:
        _announce(setup, run)
        result = train(run)
    except Exception as error:
        _LOG.error("%s", traceback.format_exc())
        result = run.outcome("error", f"{type(error).__name__}: {error}")
        _distrust_compiled(run)
    finally:
        run.task.close()
    try:
        return finish_uploads(run, result)
    finally:
        run.close_sinks()


def _distrust_compiled(run: Run) -> None:
    """Remove what was compiled where the first step has failed: by a damaged file, for all we know.

    torch compiles a damaged graph anew, but fails at its damaged source or library.
    """
    cache = run.compiler_cache
    if cache is not None and run.leads and compilation().get("loaded") and discard(cache):
        _LOG.error("%s is removed: the first step has failed with graphs from it", cache.folder)


def _open_metrics(setup: Setup) -> MetricsWriter:
    mark = START
    if setup.checkpoint and setup.continues_stream:
        mark = metrics_mark(setup.checkpoint)
    try:
        return MetricsWriter(setup.paths.metrics, mark)
    except ValueError as error:
        raise ConfigError(f"cannot go on in the same folder: {error}") from None


def build_run(setup: Setup, metrics: MetricsWriter | None) -> Run:
    """Assemble the run's parts and restore the checkpoint, if any.

    Raises:
        ConfigError: the checkpoint's tensors are not this task's.
    """
    config = setup.config
    _seed_generators(config.seed)
    run = Run(
        config=config,
        run_dir=setup.run_dir,
        task=_task_of(config)(setup),
        metrics=metrics,
        stop=setup.stop,
        processes=setup.runtime.processes,
        continues_stream=setup.continues_stream,
        watch=Watch(setup.runtime.device),
        sinks=open_sinks(config, setup.run_dir) if metrics else [],
        compiler_cache=setup.runtime.compiler_cache,
        archive=_archive(setup),
    )
    if setup.checkpoint:
        _restore(setup, run, setup.checkpoint)
    return run


def _archive(setup: Setup) -> CompiledArchive | None:
    """Return what uploads are to carry of the compiled graphs, if they are asked to."""
    if setup.runtime.compiler_cache is None or not setup.config.ship_compiled:
        return None
    return CompiledArchive(setup.paths.compiled, cache_key(setup.runtime.device))


def _restore(setup: Setup, run: Run, checkpoint: Checkpoint) -> None:
    try:
        run.restore(checkpoint)
    except ValueError as error:
        raise ConfigError(f"{setup.resumed_from}: {error}") from None
    run.last_checkpoint = setup.resumed_from if setup.continues_stream else None


def _seed_generators(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _announce(setup: Setup, run: Run) -> None:
    """Begin the stream: the config record, then how the run starts."""
    if setup.continues_stream:
        _LOG.info("going on from %s %d", run.config.progress.unit, run.step)
    else:
        _begin_stream(setup, run)
    run.task.begin(run, resumed=setup.resumed_from is not None)


def _begin_stream(setup: Setup, run: Run) -> None:
    run.record(
        "config",
        {
            "config": run.config.model_dump(mode="json"),
            "device": str(setup.runtime.device),
            "hostname": platform.node(),
            "torch": torch.__version__,
            **run.task.describe(),
        },
    )
    if setup.resumed_from:
        origin = str(setup.resumed_from)
        message = f"resumed from {origin} at {run.config.progress.unit} {run.step}"
        run.event("resume", message, checkpoint=origin)
    else:
        run.event("start", f"started {run.config.progress.counted(run.config.length)}")
