"""What must hold in every workspace, whatever was killed when."""

import json
from itertools import pairwise
from pathlib import Path

from lab_testing import eventually, open_gate

from pawn_lab.lab import Lab, queries
from pawn_lab.records import Event, Trial
from pawn_lab.shim import identity
from pawn_lab.states import ENDED, TRANSITIONS, State
from pawn_lab.store import leases

_STATE_KINDS = frozenset(State)


def assert_sound(lab: Lab) -> None:
    """Check events, states, leases, processes and folders against each other."""
    trials, events = queries.trials(lab), events_of(lab)
    assert [event.seq for event in events] == list(range(1, len(events) + 1)), "event gap"
    for trial in trials:
        assert_history(trial, [event for event in events if event.trial_id == trial.id])
        assert_one_process(lab, trial)
    assert_exclusive_leases(lab)


def events_of(lab: Lab) -> list[Event]:
    """Return every event there is."""
    found: list[Event] = []
    while page := queries.events(lab, found[-1].seq if found else 0, limit=1000).events:
        found += page
    return found


def assert_history(trial: Trial, events: list[Event]) -> None:
    """Check that a trial's events are a legal path to its state."""
    path = [State(event.kind) for event in events if event.kind in _STATE_KINDS]
    assert path[0] is State.QUEUED
    assert all(target in TRANSITIONS[source] for source, target in pairwise(path)), path
    assert path[-1] is trial.state


def assert_one_process(lab: Lab, trial: Trial) -> None:
    """Check that a trial's trainer was started at most once and that none outlives its trial."""
    paths = lab.paths.trial(trial.id)
    greetings = paths.log.read_text().splitlines() if paths.log.exists() else []
    assert len(greetings) <= 1, "launched twice"
    if trial.state in ENDED and paths.identity.exists():
        token = json.loads(paths.identity.read_text())["token"]
        # A shim that recorded the end may still be about to become the scheduler pass.
        eventually(lambda: not identity.members(token), "end of the trial's processes")


def assert_recorded_end(lab: Lab, trial: Trial) -> None:
    """Check that a trial's end is the one its shim recorded; lost where there is no record."""
    paths = lab.paths.trial(trial.id)
    never_ran = trial.state is State.KILLED and trial.started_at is None
    assert paths.exit.exists() == (trial.state is not State.LOST and not never_ran), trial
    if paths.exit.exists():
        record, shim = (json.loads(f.read_text()) for f in (paths.exit, paths.identity))
        assert record["token"] == shim["token"]
        assert (trial.exit.code, trial.exit.signal) == (record["code"], record["signal"])


def assert_exclusive_leases(lab: Lab) -> None:
    """Check that no device was ever held twice at a time, nor by a trial that had ended."""
    with lab.database.read() as tx:
        rows = tx.rows("SELECT * FROM leases ORDER BY device, start, id")
        held = set(leases.held(tx).values())
    for one, other in pairwise(rows):
        if one["device"] == other["device"]:
            assert one["stop"] is not None
            assert one["stop"] <= other["start"], "double lease"
    assert all(queries.trial(lab, trial_id).state not in ENDED for trial_id in held)


def assert_recovers(workspace: Path) -> None:
    """Open the workspace as a new front end would, drain its queue and check it."""
    with Lab.open(workspace) as lab:
        eventually(lambda: has_drained(lab), "end of all trials")
        assert_sound(lab)


def has_drained(lab: Lab) -> bool:
    """Say whether every trial has ended, letting those that wait at their gate go on."""
    trials = queries.trials(lab)
    for trial in trials:
        if trial.state is State.RUNNING:
            open_gate(lab, trial.id)
    return all(trial.state in ENDED for trial in trials)
