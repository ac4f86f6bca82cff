"""Many front ends on one workspace, some of them killed: nothing twice, nothing lost."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import front_end
import pytest
from lab_testing import CONFIG, ended, eventually
from soundness import assert_recovers, assert_sound

from pawn_lab.lab import Lab
from pawn_lab.store import trials
from pawn_lab.trials.states import State

FRONT_ENDS = 10


def launch_together(workspace: Path, seed: int) -> None:
    """Let front ends launch the same keys, and each its own, in different orders."""
    rng = random.Random(seed)
    shared = [f"shared-{number}" for number in range(3)]
    processes = []
    for number in range(FRONT_ENDS):
        calls = [("launch", key) for key in [*shared, f"own-{number}"]] + [("tick", None)] * 3
        rng.shuffle(calls)
        processes.append(front_end.start(workspace, calls))
    for process in processes:
        process.join()
        assert process.exitcode == 0, f"seed {seed}"
    assert_each_key_is_one_trial(workspace, {*shared, *(f"own-{n}" for n in range(FRONT_ENDS))})
    assert_recovers(workspace)


def assert_each_key_is_one_trial(workspace: Path, keys: set[str]) -> None:
    """Check that each key has exactly one trial."""
    with Lab.open(workspace) as lab, lab._database.read() as tx:
        launched = Counter(row["idempotency_key"] for row in trials.select(tx))
    assert launched == Counter(keys)


def kill_at_random(workspace: Path, kills: int, seed: int) -> None:
    """Kill front ends in the middle of whatever they do, then check what was acknowledged."""
    rng = random.Random(seed)
    for number in range(kills):
        calls = [("launch", f"{number}-0"), ("tick", None), ("launch", f"{number}-1")]
        process = front_end.start(workspace, calls)
        process.join(rng.uniform(0.0, 0.15))
        process.kill()
        process.join()
    assert_recovers(workspace)
    with Lab.open(workspace) as lab, lab._database.read() as tx:
        launched = Counter(row["idempotency_key"] for row in trials.select(tx))
    promised = front_end.acknowledged(workspace)
    assert set(promised) <= set(launched), f"seed {seed}: an acknowledged launch is gone"
    assert max(launched.values(), default=1) == 1


def test_ten_front_ends_launch_each_key_once(workspace):
    launch_together(workspace, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_ten_front_ends_launch_each_key_once_many_times(workspace, seed):
    launch_together(workspace, seed)


def test_front_ends_killed_at_random_lose_nothing(workspace, monkeypatch):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "8")
    kill_at_random(workspace, kills=25, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_front_ends_killed_at_random_lose_nothing_many_times(workspace, monkeypatch, seed):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "8")
    kill_at_random(workspace, kills=50, seed=seed)


def test_threads_of_one_front_end_share_a_lab(open_lab):
    lab = open_lab("complete")

    def call(number: int) -> None:
        lab.launch(CONFIG, idempotency_key=f"key-{number % 5}")
        for read in (lab.events, lab.trials, lab.digest, lab.cost):
            read()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(40)))
    assert [ended(lab, trial.id).state for trial in lab.trials()] == [State.COMPLETED] * 5
    assert_sound(lab)


def test_notes_of_many_processes_all_arrive(workspace):
    processes = [front_end.start(workspace, [("note", f"note-{n}")] * 3) for n in range(5)]
    for process in processes:
        process.join()
    with Lab.open(workspace) as lab:
        written = lab.notes()
    assert [written.count(f"note-{n}\n") for n in range(5)] == [3] * 5


def test_a_front_end_that_is_stopped_does_not_stop_the_others(workspace):
    calls = [("launch", "first"), ("wait", None)]
    idle = front_end.start(workspace, calls)
    eventually(lambda: front_end.acknowledged(workspace), "launch")
    assert front_end.run(workspace, [("launch", "second")]) == 0
    idle.kill()
    idle.join()
    assert_recovers(workspace)
