"""The trackers: one entry each. A tracker's name is its package, its extra and its config field."""

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

from pawn_core.config import RunConfig
from pawn_core.sinks.process import SinkProcess, sink_command
from pawn_core.sinks.sink import RunInfo, Sink


class SinkType(NamedTuple):
    """A tracker: its name, and its class as `module:Class`, imported only when asked for."""

    name: str
    factory: str

    def open(self, info: RunInfo) -> Sink:
        """Begin a run at the tracker."""
        factory: Callable[[RunInfo], Sink] = resolve_name(self.factory)
        return factory(info)


SINKS: tuple[SinkType, ...] = (
    SinkType("wandb", "pawn_core.sinks.wandb:WandbSink"),
    SinkType("trackio", "pawn_core.sinks.trackio:TrackioSink"),
)


def sink_named(name: str) -> SinkType:
    """Return a tracker by its name."""
    return next(sink for sink in SINKS if sink.name == name)


def open_sinks(config: RunConfig, run_dir: Path) -> list[SinkProcess]:
    """Start the sinks that the config asks for."""
    document = config.model_dump(mode="json")
    info = RunInfo(run_dir.resolve(), document)
    names = [sink.name for sink in SINKS if document[sink.name]]
    return [SinkProcess(name, sink_command(name), info) for name in names]
