"""A budget: reserved at launch, forecast while trials run, kept by a stop that can be resumed."""

import os
import signal
import time
from types import SimpleNamespace

import pytest
from lab_testing import CONFIG, ended, event_kinds, in_state, open_gate, shim_of, trainer_greeting

from pawn_lab import errors
from pawn_lab.documents import read_json_object
from pawn_lab.lab import launching, queries, spending
from pawn_lab.shim import identity, rules
from pawn_lab.shim.rules import BudgetStop
from pawn_lab.states import State
from pawn_lab.tools.set_cost import lab_set_cost
from pawn_lab.tools.status import lab_status

HOUR_S = 3600.0


@pytest.fixture
def paced(open_lab):
    """A lab with one finished trial whose metrics say 1 second a step, at 2 x 3,600 an hour."""
    lab = open_lab("gate:paced")
    spending.set_cost(lab, 2 * HOUR_S)  # two devices: a device-second costs 1
    launching.launch(lab, CONFIG)
    open_gate(lab, 1)
    ended(lab, 1)
    return lab


def test_a_launch_reserves_what_comparable_trials_took(paced):
    lab_set_cost(paced, 2 * HOUR_S, budget=1e6)
    launching.launch(paced, CONFIG | {"seed": 1, "total_steps": 500})
    assert spending.cost(paced).budget.reserved == pytest.approx(500, abs=20)


def test_a_launch_that_does_not_fit_the_budget_is_refused_and_leaves_nothing(paced):
    lab_set_cost(paced, 2 * HOUR_S, budget=600)
    with pytest.raises(errors.BudgetExceededError, match=r"budget 600 is too small by .*reserved"):
        launching.launch(paced, CONFIG | {"seed": 1, "total_steps": 900})
    assert len(queries.trials(paced)) == 1
    assert launching.launch(paced, CONFIG | {"seed": 1, "total_steps": 500}).id == 2


def test_a_group_is_refused_as_a_whole(paced):
    lab_set_cost(paced, 2 * HOUR_S, budget=800)
    with pytest.raises(errors.BudgetExceededError, match="these 2 trials included"):
        launching.launch_group(paced, CONFIG | {"seed": 1, "total_steps": 500}, seeds=2)
    assert len(queries.trials(paced)) == 1


def test_a_trial_without_history_reserves_nothing(open_lab):
    lab = open_lab("gate")
    spending.set_cost(lab, 1.0, budget=100.0)
    launching.launch(lab, CONFIG)
    assert spending.cost(lab).budget.reserved == 0.0
    open_gate(lab, 1)


def test_at_the_cap_trials_save_and_stop_and_the_queue_waits(open_lab):
    lab = open_lab("hang")
    for seed in range(3):
        launching.launch(lab, CONFIG | {"seed": seed})
    trainer_greeting(lab, 1)
    trainer_greeting(lab, 2)
    spending.set_cost(lab, 2 * HOUR_S, budget=0.5)
    for trial_id in (1, 2):
        trial = ended(lab, trial_id)
        assert (trial.state, trial.exit.reason, trial.exit.code) == (State.KILLED, "budget", 143)
        assert trial.exit.evidence["spent_at"] <= time.time()
    assert "the budget is spent" in queries.trial(lab, 3).why_waiting
    assert queries.trial(lab, 3).state is State.QUEUED
    spending.set_cost(lab, 2 * HOUR_S, budget="none")
    in_state(lab, 3, State.RUNNING)


def test_trials_are_stopped_at_the_cap_with_no_front_end_looking(open_lab):
    lab = open_lab("hang")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    spending.set_cost(lab, 2 * HOUR_S, budget=3.0)
    stop_at = read_json_object(lab.paths.budget_stop)["at"]
    assert 0 < stop_at - time.time() <= 3.5
    deadline = time.monotonic() + 60
    while not lab.paths.trial(1).exit.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    record = read_json_object(lab.paths.trial(1).exit)
    assert (record["stopped_by"], record["code"]) == ("budget", 143)
    assert record["ended_at"] >= stop_at


def test_a_lost_trial_is_charged_to_its_last_sign_of_life_and_reserves_nothing(paced):
    lab_set_cost(paced, 2 * HOUR_S, budget=1000)
    lost = launching.launch(paced, CONFIG | {"seed": 1, "total_steps": 500})
    trainer_greeting(paced, lost.id)
    before = spending.cost(paced).budget
    assert before.reserved > 0
    last_sign = lost.created_at - 60
    os.utime(paced.paths.trial(lost.id).log, (last_sign, last_sign))
    assert identity.send_signal(shim_of(paced, lost.id), signal.SIGKILL)
    trial = ended(paced, lost.id)
    assert trial.state is State.LOST
    assert trial.cost <= trial.started_at - trial.created_at, (
        "the clamp: from its lease to its start"
    )
    after = spending.cost(paced).budget
    assert (after.reserved, after.spent <= before.spent) == (0.0, True)
    assert "counts up to its last sign of life" in trial.exit.message


def test_an_overrun_is_forecast_once_for_each_budget(paced):
    launching.launch(paced, CONFIG | {"seed": 1, "total_steps": 500})
    for _ in range(3):
        lab_set_cost(paced, 2 * HOUR_S, budget=400)
    forecasts = [e for e in queries.events(paced, limit=1000).events if e.kind == "budget_forecast"]
    assert forecasts == []  # it runs without a rate and was launched before there was a budget


def test_what_is_reserved_beyond_the_budget_is_forecast_once(paced):
    lab_set_cost(paced, 2 * HOUR_S, budget=1000)
    launching.launch(paced, CONFIG | {"seed": 1, "total_steps": 500})
    for _ in range(3):
        lab_set_cost(paced, 2 * HOUR_S, budget=400)
    (event,) = [e for e in queries.events(paced, limit=1000).events if e.kind == "budget_forecast"]
    assert event.data["ahead"] == pytest.approx(500, abs=20)
    assert "over the budget of 400" in event.message


def test_cost_is_told_by_tag(open_lab):
    lab = open_lab("complete")
    spending.set_cost(lab, 2 * HOUR_S)
    ended(lab, launching.launch(lab, CONFIG, tags=["a", "b"]).id)
    by_tag = lab_set_cost(lab, 2 * HOUR_S).by_tag
    assert by_tag["a"] == by_tag["b"] > 0


def test_the_same_cost_and_budget_again_is_no_event(open_lab):
    lab = open_lab("complete")
    for _ in range(3):
        spending.set_cost(lab, 2.0, budget=10.0)
    assert [e.kind for e in queries.events(lab).events] == ["cost", "budget"]


def let_pass(lab, hours):
    """Let the machine have cost for so many hours more."""
    with lab.database.write() as tx:
        passed = hours * HOUR_S
        tx.execute("UPDATE rates SET since = since - ?, uptime = uptime - ?", passed, passed)


def test_a_budget_of_machine_time_is_spent_by_an_idle_machine(open_lab):
    lab = open_lab("gate")
    answer = lab_set_cost(lab, 2.0, budget=10.0, budget_of="machine_time")
    assert (answer.budget_of, round(answer.machine_total)) == ("machine_time", 0)
    let_pass(lab, 4.0)
    assert launching.launch(lab, CONFIG).id == 1
    open_gate(lab, 1)
    ended(lab, 1)
    let_pass(lab, 2.0)
    with pytest.raises(errors.BudgetExceededError, match="budget 10 of the machine's time is too"):
        launching.launch(lab, CONFIG | {"seed": 1})
    answer = lab_set_cost(lab, 2.0)
    assert answer.machine_hours == pytest.approx(6.0, abs=0.01)
    assert (answer.idle_share, answer.budget_of) == (pytest.approx(1, abs=0.01), "machine_time")
    assert lab_set_cost(lab, 2.0, budget=20.0).budget_of == "machine_time"
    assert lab_set_cost(lab, 2.0, budget=20.0, budget_of="device_time").total < 0.1
    assert launching.launch(lab, CONFIG | {"seed": 1}).id == 2
    open_gate(lab, 2)


def test_at_the_cap_of_machine_time_trials_save_and_the_headline_says_why_the_queue_waits(open_lab):
    lab = open_lab("hang")
    for seed in range(3):
        launching.launch(lab, CONFIG | {"seed": seed})
    for trial_id in (1, 2):
        trainer_greeting(lab, trial_id)
    spending.set_cost(lab, 2.0, 10.0, "machine_time")
    let_pass(lab, 6.0)
    assert [ended(lab, trial_id).exit.reason for trial_id in (1, 2)] == ["budget", "budget"]
    said = "the first because the budget is spent: 12.00 of 10 of the machine's time"
    assert said in lab_status(lab).headline


def test_on_the_machine_s_clock_trials_share_its_devices_and_none_ends_before_its_own_end(paced):
    lab_set_cost(paced, 2 * HOUR_S, budget=1e6, budget_of="machine_time")
    launching.launch(paced, CONFIG | {"seed": 1, "total_steps": 500})
    assert spending.cost(paced).budget.reserved == pytest.approx(1000, abs=40)
    launching.launch(paced, CONFIG | {"seed": 2, "total_steps": 500})
    launching.launch(paced, CONFIG | {"seed": 3, "total_steps": 500})
    assert spending.cost(paced).budget.reserved == pytest.approx(1500, abs=60)


def test_a_basis_without_a_budget_is_refused(open_lab):
    with pytest.raises(errors.InvalidRequestError, match="budget_of machine_time needs budget"):
        lab_set_cost(open_lab(), 1.0, budget_of="machine_time")


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf"), 1e12])
def test_a_budget_out_of_range_is_refused(open_lab, budget):
    lab = open_lab("complete")
    with pytest.raises(errors.InvalidRequestError, match=r"budget .* is not allowed: 0 to 1e"):
        spending.set_cost(lab, 1.0, budget=budget)
    assert queries.events(lab).events == []


@pytest.mark.parametrize("jump_s", [-3.15e8, 3.15e8])
def test_a_wall_clock_that_jumps_stops_no_trial_before_its_time(tmp_path, monkeypatch, jump_s):
    stop = BudgetStop(tmp_path / "budget-stop.json")
    stop.write(time.time() + 100)
    jumped = time.time() + jump_s
    monkeypatch.setattr(rules, "time", SimpleNamespace(time=lambda: jumped))
    assert stop.at() - jumped == pytest.approx(100, abs=10)


@pytest.mark.parametrize("written", ["[1]", '{"wall": "x"}', '{"wall": 1}', "null"])
def test_a_moment_without_a_clock_is_the_wall_clock_s(tmp_path, written):
    file = tmp_path / "budget-stop.json"
    file.write_text(f'{{"at": 7.5, "written": {written}}}')
    assert BudgetStop(file).at() == 7.5


def test_a_damaged_stop_file_stops_nothing(open_lab):
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    lab.paths.budget_stop.write_text("{")
    open_gate(lab, 1)
    assert ended(lab, 1).state is State.COMPLETED
    assert event_kinds(lab, 1)[-1] == "completed"
