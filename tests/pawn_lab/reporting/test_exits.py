"""What an exit record means, whatever the trainer wrote about itself."""

import json

import pytest
from lab_testing import make_checkpoint

from pawn_lab.reporting import exits
from pawn_lab.states import State
from pawn_lab.trial_paths import TrialPaths

RECORD = {
    "token": "t",
    "code": 0,
    "signal": None,
    "stopped_by": None,
    "ended_at": 1.0,
    "duration_s": 2.0,
    "outcome": {"reason": "completed", "step": 7, "message": "done", "checkpoint": "step_00000007"},
}


def outcome(reason: str) -> dict:
    return {"outcome": {"reason": reason, "step": 7, "message": "said", "checkpoint": None}}


@pytest.fixture
def paths(tmp_path):
    return TrialPaths(tmp_path)


def judge(paths, kill_reason=None, **changes):
    paths.exit.write_text(json.dumps(RECORD | changes))
    return exits.verdict(exits.read(paths.exit, "t"), kill_reason, paths)


@pytest.mark.parametrize(
    ("changes", "kill_reason", "state", "reason"),
    [
        ({}, None, State.COMPLETED, "completed"),
        (outcome("patience"), None, State.COMPLETED, "patience"),
        (outcome("paused"), None, State.PAUSED, "paused"),
        # A run that completed before the kill reached it has completed.
        ({}, "late", State.COMPLETED, "completed"),
        ({"code": 143} | outcome("signal"), "enough", State.KILLED, "killed"),
        ({"code": None, "signal": 9, "outcome": None}, "enough", State.KILLED, "killed"),
        # A crash is not excused by a kill that was asked for at the same time.
        ({"code": 1, "outcome": None}, "enough", State.FAILED, "crashed"),
        ({"code": 143, "stopped_by": "signal"} | outcome("signal"), None, State.FAILED, "signal"),
        ({"code": 143} | outcome("signal"), None, State.FAILED, "signal"),
        ({"code": None, "signal": 9, "outcome": None}, None, State.FAILED, "crashed"),
        ({"code": 143, "stopped_by": "wall_clock"}, None, State.FAILED, "wall_clock"),
        ({"code": 3} | outcome("non_finite"), None, State.FAILED, "non_finite"),
        # Exit code 0 alone proves nothing, and neither does the trainer's word alone.
        ({"outcome": None}, None, State.FAILED, "crashed"),
        ({"code": 1}, None, State.FAILED, "completed"),
    ],
)
def test_the_verdict_needs_both_exit_code_and_outcome(paths, changes, kill_reason, state, reason):
    verdict, how = judge(paths, kill_reason, **changes)
    assert (verdict, how.reason) == (state, reason)


@pytest.mark.parametrize(
    "nonsense", ["text", 3, [], {"reason": 1}, {"reason": "completed", "step": "seven"}]
)
def test_an_outcome_that_makes_no_sense_counts_as_none(paths, nonsense):
    verdict, how = judge(paths, outcome=nonsense)
    assert (verdict, how.reason) == (State.FAILED, "crashed")


def test_an_end_by_force_says_so(paths):
    killed = {"code": None, "signal": 9, "outcome": None, "forced_after_s": 30.0}
    by_force = "by SIGKILL, 30 s after SIGTERM did not end it"
    assert judge(paths, "enough", **killed)[1].message == f"killed: enough; {by_force}"
    spent = judge(paths, **killed, stopped_by="budget")[1].message
    assert spent == f"stopped because the budget was spent; {by_force}"
    assert by_force in judge(paths, **killed, stopped_by="no_progress")[1].message


def test_what_was_saved_is_said_with_its_step(paths):
    assert exits.saved(paths, "step") == "nothing was saved"
    make_checkpoint(paths.checkpoints, 5)
    (paths.checkpoints / "step_00000009").mkdir()  # not finished
    assert (
        exits.saved(paths, "step")
        == exits.saved(paths, "step", 7)
        == "its newest checkpoint is of step 5"
    )
    assert exits.saved(paths, "step", 5) == "saved at step 5"


def test_a_message_is_cleaned_and_cut(paths):
    long = {"reason": "completed", "message": "\x1b[31mred\x1b[0m" + "x" * 5000}
    message = judge(paths, outcome=long)[1].message
    assert message.startswith("redx")
    assert len(message) < 600


def test_a_crash_quotes_the_end_of_the_log(paths):
    paths.log.write_text("step 1\nTraceback\nImportError: no module named torch\n")
    message = judge(paths, code=1, outcome=None)[1].message
    assert message == (
        "trainer failed with exit code 1 and recorded no outcome; "
        "its log ends with: ImportError: no module named torch"
    )


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"token": "t"}'])
def test_an_exit_record_that_cannot_be_read_is_none(paths, content):
    if content is not None:
        paths.exit.write_text(content)
    assert exits.read(paths.exit, "t") is None


def test_the_record_of_another_attempt_is_none(paths):
    paths.exit.write_text(json.dumps(RECORD))
    assert exits.read(paths.exit, "another token") is None
