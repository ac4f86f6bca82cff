"""What a run starts from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import RunConfig
from pawn_core.run_paths import RunPaths
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag


@dataclass(frozen=True)
class Setup:
    """A checked config, where it runs and what it goes on from."""

    config: RunConfig
    run_dir: Path
    runtime: Runtime
    stop: StopFlag
    resumed_from: Path | None = None
    checkpoint: Checkpoint | None = None
    opened: Any = None
    """What the task has opened to fit the config (`Task.fitted`), so that it does so once."""

    @property
    def paths(self) -> RunPaths:
        """The run's files."""
        return RunPaths(self.run_dir)

    @property
    def continues_stream(self) -> bool:
        """Whether the checkpoint is one of this very folder."""
        path = self.resumed_from  # its folder may be a link into memory
        return path is not None and path.absolute().parents[1].resolve() == self.run_dir.resolve()
