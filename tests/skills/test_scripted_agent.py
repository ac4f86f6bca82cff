"""An agent that knows the skills alone finishes a study on a machine where everything goes wrong.

It is told the task once. What befalls the machine is told to nobody: a rate that diverges, a batch
that does not fit, servers that are killed, a compaction, a disk that is full, devices that idle.
"""

import contextlib
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent import Agent
from host import Happens, Host, server_process
from lab_fixtures import end_processes_of
from lab_testing import CONFIG, eventually, shim_of, stand_in
from passing_time import let_pass

from pawn_core.checkpoint.manifest import checkpoint_name
from pawn_lab.lab import Lab, queries, sweeping
from pawn_lab.reporting import notes
from pawn_lab.server import LabServer
from pawn_lab.shim import identity
from pawn_lab.states import State
from pawn_lab.tools.audit import lab_audit
from pawn_lab.tools.status import lab_status

pytestmark = pytest.mark.anyio
DISK_MB = 64

TASK: dict[str, Any] = {
    "question": "Do mates in one help?",
    "study": "toy-study",
    "price": 3.6,
    "budget": 50,
    "plan": {
        "config": CONFIG | {"pause_after_steps": 200},
        "arms": [
            {"lr": 1e-3},
            {"lr": 0.3},
            {"lr": 1e-3, "mate_boost": 1.0},
            {"lr": 3e-3, "mate_boost": 1.0, "batch_size": 512},
        ],
        "space": {"seed": [0]},
        "tags": ["toy-study"],
    },
    "evaluation": {"evals": ["legality"], "games": 8, "device": "cpu"},
}


REAL: dict[str, Any] = TASK | {
    "plan": {
        "config": {"variant": "toy", "max_seq_len": 32, "batch_size": 4, "val_games": 8}
        | {"total_steps": 80, "pause_after_steps": 40, "eval_interval": 20, "device": "cpu"}
        | {"no_compile": True, "num_workers": 0, "local_checkpoints": True},
        "arms": [{"lr": 1e-3}, {"lr": 1e-5}, {"lr": 1e-3, "mate_boost": 1.0}],
        "space": {"seed": [0]},
        "tags": ["toy-study"],
    },
    "evaluation": {"evals": ["legality"], "games": 4, "shard_games": 4, "device": "cpu"},
}
"""The same for real trainers."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small disk of its own, where one can be mounted; else a folder."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    if not mounted:
        warnings.warn("no file system can be mounted here: the disk is never full", stacklevel=1)
    yield folder
    end_processes_of(folder / "runs")
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Machine:
    """A disk that somebody else fills, and frees when they are asked."""

    def __init__(self, disk: Path) -> None:
        self._filler = disk / "filler"
        self.can_be_full = disk.is_mount()
        self.asked: list[str] = []

    def fill(self) -> None:
        """Write until nothing more fits."""
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while self.can_be_full:
                file.write(bytes(4096))

    def free(self, question: str) -> None:
        """Delete what fills it, as a person who is asked does."""
        self.asked.append(question)
        self._filler.unlink(missing_ok=True)


async def test_trouble_is_mended_by_the_tables_and_another_agent_goes_on_from_the_notes(disk):
    workspace = disk / "runs"
    server = LabServer(lambda: Lab.open(workspace, trainer=stand_in("machine")))
    async with Host(workspace, server, Happens()) as host:
        await Agent(host, TASK).work(until="Phase 1: explore")
        await Agent(host).work(until="Phase 3: evaluations")  # it has nothing but the notes
    assert_phases_noted(workspace, 3)
    assert_trouble_mended(workspace)
    assert_winners_measured(workspace)


@pytest.mark.slow
async def test_a_study_is_finished_from_skills_and_notes_alone_whatever_befalls_the_machine(
    disk, monkeypatch
):
    machine, workspace = Machine(disk), disk / "runs"
    happens, server = Happens(asked=machine.free), server_process(workspace, stand_in("machine"))
    async with Host(workspace, server, happens) as host:
        first = Agent(host, TASK)
        happens.before["lab_wait"] = [host.kill_server]
        happens.answers_lost += ["lab_sweep", "lab_resume"]
        await first.work(until="Plan")
        await first.work(until="Phase 1: explore")
        context = host.compact(first.summary())
        assert "In the phase Phase 1: explore" in context
        await Agent(host, context=context).work(until="Phase 2: winners")  # the task is forgotten
        assert host.servers == 4
    monkeypatch.delenv("PAWN_IDLE_MIN")
    let_idle(workspace)
    happens.before["lab_launch"] = [machine.fill]
    async with Host(workspace, server, happens) as host:
        assert host.is_to_be_woken()
        another = Agent(host)  # it has nothing but the notes
        await another.work()
        assert another.done
    assert bool(machine.asked) == machine.can_be_full
    assert_phases_noted(workspace, 4)
    assert_trouble_mended(workspace)
    assert_winners_measured(workspace)
    with Lab.open(workspace) as lab:
        assert lab_audit(lab).ready
        assert any(lab.paths.root.joinpath("reports").iterdir())


@pytest.mark.slow
async def test_a_study_of_real_trainers_is_finished_though_one_is_killed(disk, warm, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", warm)
    workspace, happens = disk / "runs", Happens()
    happens.before["lab_wait"] = [lambda: kill_a_trial(workspace)]
    async with Host(workspace, LabServer(lambda: Lab.open(workspace)), happens) as host:
        await Agent(host, REAL).work(until="Phase 1: explore")
        another = Agent(host)
        await another.work()
        assert another.done
    assert_phases_noted(workspace, 4)
    assert_winners_measured(workspace, REAL["plan"]["config"]["total_steps"])
    with Lab.open(workspace) as lab:
        assert State.LOST in {trial.state for trial in queries.trials(lab)}
        assert lab_audit(lab).ready


def kill_a_trial(workspace: Path) -> None:
    """Kill every process of a trial that runs."""
    with Lab.open(workspace) as lab:
        running = eventually(lambda: [t for t in queries.trials(lab) if t.state is State.RUNNING])
        identity.kill_members(shim_of(lab, running[0].id).token)


def let_idle(workspace: Path) -> None:
    """Let eleven minutes pass in which nobody is there, and nothing runs."""
    with Lab.open(workspace) as lab:
        let_pass(lab, 11)
        assert "2 of 2 devices idle for 11 min at 3.6 an hour" in lab_status(lab).headline
        assert "idle" in {event.kind for event in queries.events(lab, limit=1000).events}


def assert_phases_noted(workspace: Path, count: int) -> None:
    """Check that each phase was noted, once."""
    with Lab.open(workspace) as lab:
        titles = [section.title for section in notes.written(lab.paths).sections]
    phases = [title for title in titles if title.startswith("Phase")]
    assert len(phases) == len(set(phases)) == count
    assert titles.count("Plan") == 1


def assert_trouble_mended(workspace: Path) -> None:
    """Check that what failed was tried again with the cause mended, and that notes name it.

    What diverges is stopped by the lab's rule, or by the agent where it looks before that.
    """
    with Lab.open(workspace) as lab:
        trials = queries.trials(lab)
        text = "".join(section.text for section in notes.written(lab.paths).sections)
        assert "trouble" not in lab_status(lab).headline
    failed = [trial for trial in trials if trial.state is State.FAILED]
    kinds = {trial.exit.post_mortem.kind for trial in failed}
    killed = {trial.exit.message for trial in trials if trial.state is State.KILLED}
    assert "out of memory" in kinds
    assert "divergence" in kinds or "killed: its loss climbs" in killed
    assert all(f"Trial {trial.id}:" in text for trial in failed)
    well = [trial.config for trial in trials if trial.state is State.PAUSED]
    assert any(config["lr"] == pytest.approx(0.1) for config in well)
    assert any((c["batch_size"], c["accumulation_steps"]) == (256, 2) for c in well)


def assert_winners_measured(workspace: Path, last: int = CONFIG["total_steps"]) -> None:
    """Check that the best of each ablation went to its last step, once, and was evaluated."""
    with Lab.open(workspace) as lab:
        trials = queries.trials(lab)
        assert len(sweeping.listed(lab)) == 1
        winners = [t for t in trials if t.state is State.COMPLETED and t.parent]
        saved = [lab.paths.trial(t.id).checkpoints / checkpoint_name(last) for t in winners]
        assert all(path.is_dir() for path in saved)
    assert sorted(t.config["mate_boost"] for t in winners) == [0.0, 1.0]
    measured = [t for t in trials if t.config.get("run_type") == "eval"]
    ended = [t for t in measured if t.state is State.COMPLETED]
    assert {t.config["weights"].partition("@")[0] for t in ended} == {
        f"trial:{t.id}" for t in winners
    }
