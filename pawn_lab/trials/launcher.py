"""How the trials of a lab are run: what a launch says of it, and what their rows keep."""

import sys
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pawn_core.config import RunConfig
from pawn_lab.shim.rules import FORECAST_EVERY_S, Limits

TRAINER = (sys.executable, "-P", "-m", "pawn_core")


@dataclass(frozen=True)
class Launcher:
    """How the trials of a lab are run: the trainer's command and its limits."""

    trainer: tuple[str, ...] = TRAINER
    limits: Limits = field(default_factory=Limits)
    caller: str | None = None
    """Who asks for the trials; it changes nothing of how they run."""

    def limited(self, hours: float | None) -> "Launcher":
        """Return the same with a limit to the time on a device; None: as it is."""
        if hours is None:
            return self
        return replace(self, limits=replace(self.limits, wall_clock_s=hours * 3600.0))

    def hopeless_stopped(self) -> "Launcher":
        """Return the same with the rule that stops a trial by its forecast."""
        return replace(self, limits=replace(self.limits, forecast_every_s=FORECAST_EVERY_S))

    def judging(self, config: RunConfig) -> "Launcher":
        """Return the same, without the rule that judges a loss where a run's need not fall."""
        if config.loss_falls:
            return self
        return replace(self, limits=replace(self.limits, divergence_factor=None))

    def columns(self) -> dict[str, Any]:
        """Return the columns of a trial's row, so that any later process runs it alike."""
        return {"trainer": list(self.trainer), "limits": asdict(self.limits)}
