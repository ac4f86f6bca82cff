"""The table of states."""

import itertools

import pytest

from pawn_lab import failpoints
from pawn_lab.errors import IllegalTransitionError
from pawn_lab.states import ACTIVE, ENDED, HOLDING, TRANSITIONS, State, check_transition


def test_every_state_is_in_the_table_and_ended_states_are_final():
    assert set(TRANSITIONS) == set(State)
    assert all(not TRANSITIONS[state] for state in ENDED)
    assert set(State) == ACTIVE | ENDED
    assert HOLDING < ACTIVE


@pytest.mark.parametrize(("source", "target"), list(itertools.product(State, State)))
def test_only_changes_in_the_table_are_allowed(source, target):
    if target in TRANSITIONS[source]:
        check_transition(1, source, target)
    else:
        with pytest.raises(IllegalTransitionError, match=f"from {source} to {target}; allowed"):
            check_transition(1, source, target)


def test_every_change_of_state_has_a_failpoint_on_both_sides_of_its_commit():
    edges = {f"{source}-{target}" for source, targets in TRANSITIONS.items() for target in targets}
    assert {"new-queued", *edges} == set(failpoints.EDGES)
    assert len(failpoints.FAILPOINTS) >= 20


def test_an_unlisted_failpoint_is_refused(monkeypatch):
    monkeypatch.setenv(failpoints.VARIABLE, "shim.started")
    with pytest.raises(LookupError, match="'nowhere' is not listed"):
        failpoints.hit("nowhere")
