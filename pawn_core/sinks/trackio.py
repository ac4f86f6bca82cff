"""Trackio: a local database (`TRACKIO_DIR`), shown with `trackio show --project pawn-lab`."""

import trackio

from pawn_core.sinks.sink import PROJECT, RunInfo


class TrackioSink:
    """A run in Trackio's database on this machine."""

    def __init__(self, info: RunInfo) -> None:
        self._run = trackio.init(
            project=PROJECT,
            name=f"{info.name}-{info.id}",
            config=info.config,
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def write(self, step: int, values: dict[str, float]) -> None:
        """Log numbers by name."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """End the run."""
        self._run.finish()
