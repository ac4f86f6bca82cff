"""What every executor keeps, whatever it runs trials on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import PLACES, Place, in_a_process_that_dies, in_another_process, open_lab_at
from lab_testing import (
    CONFIG,
    ended,
    event_kinds,
    eventually,
    in_state,
    make_checkpoint,
    nobody_left,
    open_gate,
    shim_of,
)

from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Life
from pawn_lab.executors.registry import EXECUTORS, executor_named
from pawn_lab.lab import Lab, killing, launching, queries, resuming
from pawn_lab.states import State

NAMES = sorted({entry.name for entry in EXECUTORS} | {"batch"})


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each executor in turn."""
    if request.param == "slurm":
        request.getfixturevalue("slurm_cluster")
    with PLACES[request.param](tmp_path) as place:
        yield place


def attempt_of(lab: Lab, trial_id: int) -> Attempt:
    """Return what an executor finds a trial's processes by."""
    return Attempt(trial_id, shim_of(lab, trial_id).token, lab.paths.trial(trial_id))


def held(lab: Lab) -> list[int | None]:
    """Return which trial holds each device."""
    return [device.trial_id for device in queries.devices(lab)]


def launched(lab: Lab) -> int:
    """Launch a trial and wait until its trainer runs; return its number."""
    trial_id = launching.launch(lab, CONFIG).id
    in_state(lab, trial_id, State.RUNNING)
    eventually(lambda: has_greeted(lab, trial_id), "greeting of the trainer")
    return trial_id


def has_greeted(lab: Lab, trial_id: int) -> bool:
    """Say whether a trainer's first words are in its log, which a look at it may have to bring."""
    queries.trial(lab, trial_id)
    return '"pid"' in "".join(queries.log(lab, trial_id).lines)


def test_devices_are_listed_with_ids_that_stay(place, workspace):
    first, second = place.executor(), place.executor()
    devices = first.devices()
    assert devices
    assert devices == second.devices()
    ids = [device.id for device in devices]
    assert len(set(ids)) == len(ids)
    assert list(second.load(devices)) == ids
    assert first.faults() == []
    assert first.machine(devices).gpus == ()


def test_a_trial_that_runs_is_seen_alive_by_another_process(place, workspace):
    with open_lab_at(place, workspace) as lab:
        attempt = attempt_of(lab, launched(lab))

    def look() -> tuple[State, int | None, Life, bool]:
        with open_lab_at(place, workspace) as lab:
            trial, holders = queries.trial(lab, 1), held(lab)
        sight = place.executor().look([attempt])[attempt]
        return trial.state, holders[0], sight.life, sight.shim is not None

    assert in_another_process(look) == (State.RUNNING, 1, Life.ALIVE, True)
    with open_lab_at(place, workspace) as lab:
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED


@pytest.mark.parametrize(
    ("behaviour", "state", "code"),
    [
        ("complete", State.COMPLETED, 0),
        ("pause", State.PAUSED, 0),
        ("crash", State.FAILED, 1),
    ],
)
def test_an_end_is_learnt_as_the_shim_recorded_it(place, workspace, behaviour, state, code):
    with open_lab_at(place, workspace) as lab:
        trial_id = launched(lab)
        attempt = attempt_of(lab, trial_id)
        open_gate(lab, trial_id, behaviour)
        trial = ended(lab, trial_id)
        assert (trial.state, trial.exit.code) == (state, code)
        assert held(lab) == [None, None]
        executor = place.executor()
        sight = eventually(lambda: seen_to_end(executor, attempt), "end that is seen")
        assert (sight.life, sight.exit.code) == (Life.ENDED, code)


def seen_to_end(executor, attempt):
    """Return what is seen of an attempt once that is its end; some lists are late."""
    sight = executor.look([attempt])[attempt]
    return sight if sight.life not in (Life.ALIVE, Life.UNKNOWN) else None


@pytest.mark.parametrize(
    ("behaviour", "code", "signal"), [("hang", 143, None), ("stubborn", None, 9)]
)
def test_a_trial_that_is_stopped_ends_as_killed_with_its_exit(
    place, workspace, behaviour, code, signal
):
    with open_lab_at(place, workspace, behaviour) as lab:
        trial_id = launched(lab)
        killing.kill(lab, trial_id, reason="enough")
        trial = ended(lab, trial_id)
        assert (trial.state, trial.exit.code, trial.exit.signal) == (State.KILLED, code, signal)
        assert "killed: enough" in trial.exit.message
        assert held(lab) == [None, None]


def test_nothing_outlives_a_kill(place, workspace):
    with open_lab_at(place, workspace, "hang with children") as lab:
        trial_id = launched(lab)
        killing.kill(lab, trial_id)
        assert ended(lab, trial_id).state is State.KILLED
        eventually(lambda: nobody_left(lab, trial_id), "end of the trial's processes")


def test_an_end_by_force_leaves_nothing(place, workspace):
    with open_lab_at(place, workspace, "hang with children") as lab:
        attempt = attempt_of(lab, launched(lab))
        assert eventually(lambda: place.executor().end(attempt), "end by force")
        assert ended(lab, 1).state in (State.LOST, State.FAILED)
        eventually(lambda: nobody_left(lab, 1), "end of the trial's processes")


def test_after_the_labs_process_died_another_one_learns_the_end(place, workspace):
    def launch() -> None:
        with open_lab_at(place, workspace) as lab:
            launched(lab)

    in_a_process_that_dies(launch)
    with open_lab_at(place, workspace) as lab:
        assert queries.trial(lab, 1).state is State.RUNNING
        assert held(lab) == [1, None]
        open_gate(lab, 1, "pause")
        trial = ended(lab, 1)
        assert (trial.state, trial.exit.code) == (State.PAUSED, 0)


def test_an_executor_that_lost_everything_loses_no_trial(place, workspace):
    with open_lab_at(place, workspace) as lab:
        trial_id = launched(lab)
        make_checkpoint(lab.paths.trial(trial_id).checkpoints, 100)
        place.lose(attempt_of(lab, trial_id))
        lost = ended(lab, trial_id)
        assert lost.state is State.LOST
        assert "its newest checkpoint is of step 100" in lost.exit.message
        assert held(lab) == [None, None]
        resumed = in_state(lab, resuming.resume(lab, trial_id).id, State.RUNNING)
        assert (resumed.parent, resumed.from_step) == (trial_id, 100)
        open_gate(lab, resumed.id)
        assert ended(lab, resumed.id).state is State.COMPLETED


def test_a_start_that_fails_is_reported_and_holds_no_device(place, workspace, monkeypatch):
    with open_lab_at(place, workspace) as lab:
        with monkeypatch.context() as patch:
            said = place.breaks(patch)
            trial_id = launching.launch(lab, CONFIG).id
            trial = ended(lab, trial_id)
        assert trial.state is State.LOST
        assert "never started in 3 attempts" in trial.exit.message
        assert said in trial.exit.message
        assert event_kinds(lab, trial_id).count("launching") == 3
        assert held(lab) == [None, None]
        open_gate(lab, launched(lab))
        assert ended(lab, 2).state is State.COMPLETED


def test_what_a_trial_prints_is_in_its_folder(place, workspace):
    with open_lab_at(place, workspace) as lab:
        trial_id = launched(lab)
        assert '"pid"' in "".join(queries.log(lab, trial_id).lines)
        open_gate(lab, trial_id)
        ended(lab, trial_id)


def test_two_trials_hold_two_devices_and_the_third_waits(place, workspace):
    with open_lab_at(place, workspace) as lab:
        for seed in range(3):
            launching.launch(lab, CONFIG | {"seed": seed})
        for trial_id in (1, 2):
            in_state(lab, trial_id, State.RUNNING)
        assert held(lab) == [1, 2]
        assert queries.trial(lab, 3).state is State.QUEUED
        for trial_id in (1, 2, 3):
            open_gate(lab, trial_id)
            assert ended(lab, trial_id).state is State.COMPLETED


def test_an_executor_that_is_none_is_refused_by_name():
    with pytest.raises(ValueError, match=r"executor 'abacus' is unknown; one of: local"):
        executor_named("abacus")
