"""A run in progress: its task, its records, and the state that every checkpoint keeps."""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from pawn_core.checkpoint.rng import capture_rng, restore_rng
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.compiled_archive import CompiledArchive
from pawn_core.compiler_cache import CompilerCache, compilation
from pawn_core.config import RunConfig
from pawn_core.metrics import TRAIN, Mark, MetricsWriter, finite
from pawn_core.parallel import ALONE, Processes
from pawn_core.phases import Phases
from pawn_core.run_paths import RunPaths
from pawn_core.signals import StopFlag
from pawn_core.sinks.process import SinkProcess
from pawn_core.training.console import Pace, describe_record
from pawn_core.training.outcome import Outcome, Reason
from pawn_core.training.task import Task
from pawn_core.training.watching import Watch
from pawn_core.uploads.process import UploadProcess

_LOG = logging.getLogger("pawn_core")
_SINK_FINISH_S, _SINK_HURRY_S = 60.0, 5.0


@dataclass
class Run:
    """Everything that the loop and its observers share."""

    config: RunConfig
    run_dir: Path
    task: Task
    metrics: MetricsWriter | None
    """None in a process that only follows another."""
    stop: StopFlag
    processes: Processes = ALONE
    phases: Phases = field(default_factory=Phases)
    step: int = 0
    """Units of progress done."""
    last_checkpoint: Path | None = None
    continues_stream: bool = False
    """Whether the run was resumed in its own folder."""
    sinks: list[SinkProcess] = field(default_factory=list)
    uploads: list[UploadProcess] = field(default_factory=list)
    watch: Watch = field(default_factory=lambda: Watch(torch.device("cpu")))
    latest: dict[str, Any] = field(default_factory=dict)
    """The last train record."""
    compiler_cache: CompilerCache | None = None
    """Where its graphs are compiled into; None: nothing is compiled, or it has been told."""
    archive: CompiledArchive | None = None
    """What uploads carry of them."""
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.config.target, self.config.progress.unit)

    @property
    def paths(self) -> RunPaths:
        """The run's files."""
        return RunPaths(self.run_dir)

    @property
    def leads(self) -> bool:
        """Whether this process evaluates, saves, writes and decides when to stop."""
        return self.processes.leads

    def is_due(self, interval: int | None) -> bool:
        """Whether something with this interval falls on the present step; all do on the last."""
        at_end = self.step == self.config.length
        return at_end or (interval is not None and self.step % interval == 0)

    def advance(self) -> None:
        """Do one unit of progress."""
        self.task.advance(self)
        self.step += 1
        self.pace.advance(self.step)
        self._tell_compiled()

    def _tell_compiled(self) -> None:
        """Say after the first step what came before it, and how much of it was compiling."""
        cache, self.compiler_cache = self.compiler_cache, None
        if cache is None or not self.leads:
            return
        seconds, work = self.phases.seconds, compilation()
        told = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
        graphs = ", ".join(f"{number} {name}" for name, number in work.items())
        message = "; ".join(filter(None, (f"first step after {told}", graphs, *cache.refusals)))
        self.event("compiled", message, seconds=seconds, cache=str(cache.folder), **work)

    def record(self, kind: str, fields: dict[str, Any]) -> None:
        """Write a metrics record of this step, and a line of it to the log."""
        self._write(kind, fields)
        if kind == TRAIN:
            self.latest = fields
        for sink in self.sinks:
            self._report_sink(sink, sink.write(kind, self.step, finite(fields)))

    def say_progress(self) -> None:
        """Write a line to the log, and nothing else."""
        self._log(self.pace.described(self.step))

    def event(self, name: str, message: str, **details: Any) -> None:
        """Write an event record."""
        self.record("event", {"event": name, "message": message, **details})

    def close_sinks(self) -> None:
        """Let the sinks finish; briefly where a signal asks for a quick end."""
        timeout_s = _SINK_HURRY_S if self.stop.signal else _SINK_FINISH_S
        for sink in self.sinks:
            self._report_sink(sink, sink.close(timeout_s))

    def outcome(self, reason: Reason, message: str) -> Outcome:
        """Return how the run ends here."""
        checkpoint = self.last_checkpoint.name if self.last_checkpoint else None
        return Outcome(reason, self.step, message, checkpoint, self.task.last_metrics())

    @contextmanager
    def pause_clock(self) -> Generator[None]:
        """Leave what happens inside out of the speed that is logged."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.task.exclude(time.perf_counter() - begin)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: its tensors are not this task's.
        """
        self.task.restore(checkpoint)
        self.step = checkpoint.step
        restore_rng(checkpoint.training_state["rng"])

    def shared_state(self) -> dict[str, Any]:
        """Return what the checkpoint of any task keeps."""
        return {
            "rng": capture_rng(),
            "metrics": self.metrics.mark()._asdict() if self.metrics else None,
            "threads": torch.get_num_threads(),
        }

    def _report_sink(self, sink: SinkProcess, failure: str | None) -> None:
        if failure:
            message = f"{sink.name} gets no more metrics: {failure}"
            self._write("event", {"event": "sink_failed", "message": message})

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        if self.metrics is None:
            return
        self.metrics.write(kind, self.step, fields)
        self._log(describe_record(kind, self.step, fields, self.pace))

    def _log(self, line: str) -> None:
        self.pace.spoke()
        _LOG.info("%s", line)


def metrics_mark(checkpoint: Checkpoint) -> Mark:
    """Return where the metrics stream stood when the checkpoint was taken."""
    return Mark(**checkpoint.training_state["metrics"])
