"""A trial on hold: no pass starts it, everything says why, and a person lets it go."""

import pytest
from lab_testing import CONFIG, add_ended_trial, ended, event_kinds, make_checkpoint

from pawn_core.config import parse_config
from pawn_lab.errors import InvalidRequestError, TrialStateError, UnknownTrialError
from pawn_lab.lab import Lab, queries
from pawn_lab.states import State
from pawn_lab.tools import TOOLS
from pawn_lab.tools.audit import lab_audit
from pawn_lab.tools.events import lab_events
from pawn_lab.tools.kill import lab_kill
from pawn_lab.tools.launch import lab_launch
from pawn_lab.tools.resume import lab_resume
from pawn_lab.tools.status import lab_status
from pawn_lab.tools.wait import lab_wait

APPROVE = next(tool for tool in TOOLS if tool.name == "lab_approve")


def approved(lab: Lab, *trial_ids: int, by: str = "dashboard: Ann") -> list[int]:
    answer = APPROVE(lab.called_by(by), {"trial_ids": list(trial_ids)})
    return [trial.trial_id for trial in answer.trials]


def test_a_trial_on_hold_waits_whatever_is_free_until_a_person_approves_it(open_lab):
    lab = open_lab("complete")
    asked = lab_launch(lab, CONFIG, hold=True, priority=9)
    later = lab_launch(lab, CONFIG | {"seed": 1})
    ended(lab, later.trial_id)
    assert queries.trial(lab, asked.trial_id).state is State.QUEUED
    assert asked.why_waiting == "a person's approval (dashboard, or `pawn-lab approve`)"
    status = lab_status(lab)
    assert [(row.trial_id, status.waits_for) for row in status.waiting] == [(1, asked.why_waiting)]
    assert status.headline == (
        "A person is asked to approve: 1 (dashboard, `pawn-lab approve`). 2 of 2 devices idle, "
        "nothing queued: launch the next question, or stop the machine."
    )
    assert status.idle
    assert approved(lab, 1) == [1]
    assert ended(lab, 1).state is State.COMPLETED
    event = next(e for e in lab_events(lab).events if e.kind == "approved")
    assert (event.trial_id, event.message) == (1, "approved, asked by dashboard: Ann")


def test_whoever_asked_waits_for_the_approval_and_not_in_vain(open_lab):
    lab = open_lab("complete")
    lab_launch(lab, CONFIG, hold=True)
    assert lab_wait(lab, trial_ids=[1], timeout_s=0).over == "timeout"
    approved(lab, 1)
    assert lab_wait(lab, trial_ids=[1], until="approved", timeout_s=0).over == "event"
    ended(lab, 1)


def test_all_of_a_call_are_approved_or_none(open_lab):
    lab = open_lab("complete")
    lab_launch(lab, CONFIG, seeds=3, hold=True)
    lab_kill(lab.called_by("dashboard"), 3, reason="two seeds will do")
    with pytest.raises(TrialStateError, match="trial 3 is killed and not on hold; on hold: 1, 2"):
        approved(lab, 1, 3)
    with pytest.raises(UnknownTrialError):
        approved(lab, 1, 7)
    with pytest.raises(InvalidRequestError, match="trial_ids"):
        approved(lab)
    assert event_kinds(lab, 1) == ["queued"]
    [why] = [e for e in queries.events(lab).events if e.kind == "kill_requested"]
    assert (why.trial_id, why.data) == (3, {"by": "dashboard"})
    assert approved(lab, 2, 1, 2) == [2, 1]
    with pytest.raises(TrialStateError, match="not on hold; on hold: none"):
        approved(lab, 1)
    ended(lab, 1), ended(lab, 2)


def test_a_continuation_on_hold_waits_too_and_the_machine_may_not_stop_meanwhile(open_lab):
    lab = open_lab("complete")
    parent = add_ended_trial(lab, parse_config(CONFIG).model_dump(mode="json"))
    make_checkpoint(lab.paths.trial(parent).checkpoints, 200)
    asked = lab_resume(lab, parent, hold=True)
    assert (asked.state, asked.why_waiting is None) == ("queued", False)
    assert lab_resume(lab, parent).repeated == [asked.trial_id]  # asked again: still on hold
    assert (2, "is queued, on hold", True) in [
        (f.trial_id, f.finding, f.blocks) for f in lab_audit(lab).findings
    ]
    lab_kill(lab, asked.trial_id)
