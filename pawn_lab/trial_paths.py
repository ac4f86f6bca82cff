"""Every file name of a trial, spelled once. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

from pawn_core.run_paths import RunPaths


@dataclass(frozen=True)
class TrialPaths:
    """The files of one trial."""

    root: Path

    @property
    def outer(self) -> Path:
        """The folder that its run's files lie in; below it no link is followed to them."""
        return self.root

    @property
    def request(self) -> Path:
        """Config given to the trainer."""
        return self.root / "request.json"

    @property
    def launch(self) -> Path:
        """Command, environment and limits given to the shim."""
        return self.root / "launch.json"

    @property
    def provenance(self) -> Path:
        """Code, packages and machine that the trial ran with."""
        return self.root / "provenance.json"

    @property
    def patch(self) -> Path:
        """How the code differed from its commit; absent where it did not."""
        return self.root / "dirty.patch"

    @property
    def identity(self) -> Path:
        """Who the shim is: written before the trainer starts."""
        return self.root / "shim.json"

    @property
    def job(self) -> Path:
        """What a cluster's queue knows the launch by; absent on this machine."""
        return self.root / "job.json"

    @property
    def node(self) -> Path:
        """Where a cluster ran it: its job, node, cores and GPUs."""
        return self.root / "node.json"

    @property
    def alive_lock(self) -> Path:
        """Held with flock while any process of the trial lives."""
        return self.root / "alive.lock"

    @property
    def exit(self) -> Path:
        """How the trial ended; the only source of a terminal state."""
        return self.root / "exit.json"

    @property
    def reserve(self) -> Path:
        """Room on the disk for `exit`, kept from the launch on."""
        return self.root / "exit.reserve"

    @property
    def record(self) -> Path:
        """What the database said of the trial when it last changed."""
        return self.root / "record.json"

    @property
    def finding(self) -> Path:
        """What the trial is expected to end with, and whether that is reason to stop it."""
        return self.root / "forecast.json"

    @property
    def summary(self) -> Path:
        """What its metrics stream has shown so far; made again where it is missing."""
        return self.root / "summary.json"

    @property
    def columns(self) -> Path:
        """The numbers of its metrics stream by metric; made again where it is missing."""
        return self.root / "columns.bin"

    @property
    def log(self) -> Path:
        """The trainer's stdout and stderr."""
        return self.root / "trainer.log"

    @property
    def shim_log(self) -> Path:
        """The shim's own stderr, and that of the scheduler pass it runs at its end."""
        return self.root / "shim.log"

    @property
    def _run(self) -> RunPaths:
        return RunPaths.in_trial(self.root)

    @property
    def run(self) -> Path:
        """The trainer's run directory."""
        return self._run.root

    @property
    def config(self) -> Path:
        """Config of the run with every default filled in, as the trainer wrote it."""
        return self._run.config

    @property
    def metrics(self) -> Path:
        """Metrics stream of the run."""
        return self._run.metrics

    @property
    def outcome(self) -> Path:
        """What the trainer says about its own end."""
        return self._run.outcome

    @property
    def phase(self) -> Path:
        """What the trainer is at before its records tell it."""
        return self._run.phase

    @property
    def preflight(self) -> Path:
        """What was found before its first step, where that was tried."""
        return self._run.preflight

    @property
    def schedule_health(self) -> Path:
        """How far the trainer got along its learning-rate schedule."""
        return self._run.schedule_health

    @property
    def results(self) -> Path:
        """What an evaluation found."""
        return self._run.results

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of the run."""
        return self._run.checkpoints


@dataclass(frozen=True)
class BareRunPaths(TrialPaths):
    """The files of a run that no lab owns; what the lab writes of it lies in `root`, elsewhere."""

    folder: Path

    @property
    def outer(self) -> Path:
        """The run's folder."""
        return self.folder

    @property
    def _run(self) -> RunPaths:
        return RunPaths(self.folder)
