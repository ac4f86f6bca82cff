"""The shim: nothing to break, a session of its own, the trainer's signals restored."""

import os
import subprocess
import sys

from lab_testing import CONFIG, ended, in_state, shim_of, trainer_greeting

from pawn_lab import failpoints
from pawn_lab.documents import read_json_object
from pawn_lab.lab import launching, queries
from pawn_lab.shim import environment, identity
from pawn_lab.states import State


def test_the_shim_needs_only_the_standard_library():
    code = """
import sys
import pawn_lab.shim.shim
names = {name.partition(".")[0] for name in sys.modules} - {"pawn_lab", "pawn_core"}
print(*sorted(names - sys.stdlib_module_names - {"__main__"}))
"""
    before = loaded_by("import sys\nprint(*sorted({n.partition('.')[0] for n in sys.modules}))")
    assert set(loaded_by(code)) <= set(before)


def loaded_by(code: str) -> list[str]:
    """Return the module names that a fresh interpreter prints."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_the_shim_has_a_session_of_its_own_and_no_parent_of_ours(open_lab):
    lab = open_lab("gate")
    in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
    shim = shim_of(lab, 1)
    assert os.getsid(shim.pid) != os.getsid(0)
    assert identity.parent_of(shim.pid) != os.getpid()
    assert os.getpgid(trainer_greeting(lab, 1)["pid"]) != os.getpgid(0)


def test_the_exit_record_tells_what_the_trainer_said_and_how_long_it_took(open_lab):
    lab = open_lab("complete")
    ended(lab, launching.launch(lab, CONFIG).id)
    record = read_json_object(lab.paths.trial(1).exit)
    assert (record["code"], record["signal"], record["stopped_by"]) == (0, None, None)
    assert record["outcome"]["message"] == "stand-in completed"
    assert record["duration_s"] >= 0
    assert record["token"] == shim_of(lab, 1).token


def test_the_trainers_output_is_in_its_log_and_the_shims_is_not(open_lab):
    lab = open_lab("complete")
    ended(lab, launching.launch(lab, CONFIG).id)
    assert '"pid"' in "".join(queries.log(lab, 1).lines)
    assert lab.paths.trial(1).shim_log.read_text() == ""


def test_only_allow_listed_variables_travel(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv(failpoints.VARIABLE, "new-queued.before-commit")
    passed = environment.for_shim()
    assert "canary" not in passed.values()
    assert passed["LANG"] == "C.UTF-8"
    assert failpoints.VARIABLE not in passed, "a front end's failpoint is not the shim's"


def test_an_end_that_was_seen_stays_seen_however_deep_the_trainers_outcome_is(open_lab):
    lab = open_lab("deep outcome")
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    assert (trial.state, trial.exit.reason, trial.exit.code) == (State.FAILED, "crashed", 0)
    assert "recorded no outcome" in trial.exit.message


def test_records_that_are_none_stop_no_healthy_trial(open_lab):
    lab = open_lab("wild metrics", divergence_factor=2.0, forecast_every_s=1.0)
    assert ended(lab, launching.launch(lab, CONFIG).id).state == State.COMPLETED
    assert "Traceback" not in lab.paths.trial(1).shim_log.read_text(encoding="utf-8")
