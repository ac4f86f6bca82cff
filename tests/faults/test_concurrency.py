"""Many front ends on one workspace, some of them killed: nothing twice, nothing lost."""

import contextlib
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import front_end
import pytest
from lab_testing import CONFIG, ended, eventually
from soundness import assert_recovers, assert_sound, events_of, has_drained

from pawn_lab.errors import TrialStateError
from pawn_lab.lab import Lab, killing, launching, notebook, queries, spending
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Event
from pawn_lab.states import State
from pawn_lab.store import trials

COUNTS = (1, 2, 10)
"""How many front ends work on a workspace at once."""


def launch_together(workspace: Path, rng: random.Random, number: int) -> set[str]:
    """Let front ends launch the same keys, and each its own, in different orders; return all."""
    front_ends = COUNTS[number % len(COUNTS)]
    shared = [f"{number}-shared-{n}" for n in range(2)]
    own = [f"{number}-own-{n}" for n in range(front_ends)]
    processes = []
    for key in own:
        calls = [("launch", each) for each in [*shared, key]] + [("tick", None)] * 3
        rng.shuffle(calls)
        processes.append(front_end.start(workspace, calls, behaviour="gate"))
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return {*shared, *own}


def check_rounds(workspace: Path, rounds: int, seed: int) -> None:
    """Work on one workspace in rounds; each key is one trial, and a reader misses no event.

    In each round the trials that run may end, so that others start.
    """
    rng, keys, seen = random.Random(seed), set[str](), list[Event]()
    print(f"seed {seed}")
    for number in range(rounds):
        keys |= launch_together(workspace, rng, number)
        with Lab.open(workspace) as lab:
            seen += queries.events(lab, seen[-1].seq if seen else 0, limit=1000).events
            has_drained(lab)
    finish(workspace)
    with Lab.open(workspace) as lab:
        assert seen == events_of(lab)[: len(seen)]
    assert launched(workspace) == Counter(keys)


def launched(workspace: Path) -> Counter[str]:
    """Return how many trials each key has."""
    with Lab.open(workspace) as lab, lab.database.read() as tx:
        return Counter(row.idempotency_key for row in trials.select(tx))


def let_one_end(workspace: Path, trial_id: int) -> None:
    """Open the gate of a trial, if it was launched."""
    if (folder := WorkspacePaths(workspace).trial(trial_id).root).exists():
        (folder / "gate").touch()


def finish(workspace: Path) -> None:
    """Kill what waits, let what runs end, and check the workspace."""
    with Lab.open(workspace) as lab:
        for trial in queries.trials(lab, [State.QUEUED]):
            with contextlib.suppress(TrialStateError):  # launched or ended meanwhile
                killing.kill(lab, trial.id)
    assert_recovers(workspace)


def kill_at_random(workspace: Path, kills: int, seed: int) -> None:
    """Kill front ends in the middle of whatever they do, then check what was acknowledged.

    Meanwhile eight trials run; now and then one ends, and another takes its device.
    """
    rng = random.Random(seed)
    print(f"seed {seed}")
    for number in range(kills):
        if number % 3 == 0:
            let_one_end(workspace, number // 3 + 1)
        calls = [("launch", f"{number}-0"), ("tick", None), ("launch", f"{number}-1")]
        process = front_end.start(workspace, calls, behaviour="gate")
        process.join(rng.uniform(0.0, 0.15))
        process.kill()
        process.join()
    finish(workspace)
    found = launched(workspace)
    promised = front_end.acknowledged(workspace)
    assert set(promised) <= set(found), f"seed {seed}: an acknowledged launch is gone"
    assert max(found.values()) == 1


@pytest.fixture
def eight_running(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight trials run, and others wait."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "8")
    calls: list[front_end.Call] = [("launch", f"first-{n}") for n in range(9)]
    calls += [("until running", n) for n in range(1, 9)]
    assert front_end.run(workspace, calls, behaviour="gate") == 0


def test_one_two_and_ten_front_ends_launch_each_key_once_and_lose_no_event(workspace):
    check_rounds(workspace, rounds=len(COUNTS), seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10))
def test_one_two_and_ten_front_ends_launch_each_key_once_many_times(workspace, seed):
    check_rounds(workspace, rounds=20, seed=seed)


@pytest.mark.usefixtures("eight_running")
def test_front_ends_killed_at_random_lose_nothing(workspace):
    kill_at_random(workspace, kills=25, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("eight_running")
@pytest.mark.parametrize("seed", range(20))
def test_front_ends_killed_at_random_lose_nothing_many_times(workspace, seed):
    kill_at_random(workspace, kills=50, seed=seed)


def test_threads_of_one_front_end_share_a_lab(open_lab):
    lab = open_lab("complete")

    def call(number: int) -> None:
        launching.launch(lab, CONFIG, idempotency_key=f"key-{number % 5}")
        for read in (
            queries.events,
            queries.trials,
            queries.digest,
            spending.cost,
        ):
            read(lab)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(40)))
    assert [ended(lab, trial.id).state for trial in queries.trials(lab)] == [State.COMPLETED] * 5
    assert_sound(lab)


def test_notes_of_many_processes_all_arrive(workspace):
    processes = [front_end.start(workspace, [("note", f"note-{n}")] * 3) for n in range(5)]
    for process in processes:
        process.join()
    with Lab.open(workspace) as lab:
        written = notebook.read(lab)
    assert [written.count(f"note-{n}\n") for n in range(5)] == [3] * 5


def test_a_front_end_that_is_stopped_does_not_stop_the_others(workspace):
    calls = [("launch", "first"), ("wait", None)]
    idle = front_end.start(workspace, calls)
    eventually(lambda: front_end.acknowledged(workspace), "launch")
    assert front_end.run(workspace, [("launch", "second")]) == 0
    idle.kill()
    idle.join()
    assert_recovers(workspace)
