"""lab_status: one look at what runs, what waits and what ended."""

import json
import time

import pytest
from lab_testing import CONFIG, ended, open_gate, trainer_greeting

from pawn_lab.errors import UnknownTrialError
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.tools.check_in import LATEST_S
from pawn_lab.tools.status import lab_status


@pytest.fixture
def lab(study):
    with Lab.open(study) as lab:
        yield lab


def test_an_idle_lab_says_what_to_do_next(lab):
    answer = lab_status(lab)
    assert "devices idle, nothing queued: lab_resume the best of 1 paused" in answer.headline
    assert answer.next_check_s == LATEST_S
    assert answer.idle.startswith("2 of 2 devices for ")
    assert answer.counts == {"paused": 2, "completed": 2}
    ended_at = {trial.id: trial.ended_at for trial in queries.trials(lab)}
    assert [row.trial_id for row in answer.ended] == sorted(ended_at, key=lambda n: -ended_at[n])


def test_an_empty_lab_says_where_to_begin(tmp_path):
    with Lab.open(tmp_path / "runs") as lab:
        assert "lab_schema" in lab_status(lab).headline


def test_one_trial_comes_in_full(lab):
    detail = lab_status(lab, trial_id=4).detail
    assert (detail.parent, detail.from_step, detail.exit["reason"]) == (1, 4, "completed")
    assert detail.config["lr"] == 1e-3
    assert "weight_decay" not in detail.config
    assert lab_status(lab).detail is None


def test_money_spent_is_in_the_answer(lab):
    answer = lab_status(lab)
    assert answer.cost_per_hour == 3.6
    assert 0 < answer.cost_total < 1


def test_an_unknown_trial_is_refused(lab):
    with pytest.raises(UnknownTrialError):
        lab_status(lab, trial_id=99)


def test_a_running_trial_that_is_not_well_comes_first_and_says_what_is_wrong(open_lab):
    lab = open_lab("gate")
    well, ill = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG).id
    for trial_id, loss in ((well, 3.0), (ill, None)):
        trainer_greeting(lab, trial_id)
        record = {"type": "train", "seq": 0, "step": 50, "loss": loss, "time": time.time()}
        speed = {"data_wait_s": 0.1, "step_s": 0.4, "device_memory_bytes": 3 << 29}
        lab.paths.trial(trial_id).metrics.write_text(json.dumps(record | speed) + "\n")
    answer = lab_status(lab)
    assert answer.headline == (
        f"Running, but not well: {ill} (loss not finite). See lab_log(trial_id={ill}); "
        "lab_kill ends one."
    )
    first, second = answer.running
    assert (first.health, second.health) == ("ok", "loss not finite")
    assert (first.step, first.of, first.data_wait, first.memory_gib) == (50, 1000, 0.25, 1.5)
    assert (first.temperature_c, first.live, second.live) == (None, {"loss": 3.0}, {})
    for trial_id in (well, ill):
        open_gate(lab, trial_id)
        ended(lab, trial_id)
    assert lab_status(lab).running == []


def test_what_all_wait_for_is_said_once_and_the_queue_is_cut_with_the_call_that_shows_it(open_lab):
    lab = open_lab("gate")
    for seed in range(9):
        launching.launch(lab, CONFIG | {"seed": seed}, priority=int(seed == 8))
    answer = lab_status(lab)
    assert answer.waits_for == "every device is held, by trials 1, 2"
    assert [row.trial_id for row in answer.waiting] == [9, 3, 4, 5, 6]
    assert {row.why for row in answer.waiting} == {None}
    assert answer.left_out == "2 more of 7 waiting; rows=7: all"
    assert len(lab_status(lab, rows=7).waiting) == 7
    launching.launch(lab, CONFIG | {"seed": 9, "device": "cpu", "gpus": 2})
    [last] = [row for row in lab_status(lab, rows=8).waiting if row.why]
    assert last.why.startswith("it needs 2 devices at once")
