"""Trackio: a local database (`TRACKIO_DIR`), shown with `trackio show --project pawn-lab`."""

import trackio

from pawn_core.sinks.sink import PROJECT, RunInfo, Sink


class TrackioSink(Sink):
    """A run in Trackio's database on this machine."""

    name = "trackio"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._run = trackio.init(
            project=PROJECT,
            name=f"{info.name}-{info.id}",
            config=info.config,
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def log(self, step: int, values: dict[str, float]) -> None:
        """Log numbers by name."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.finish()
