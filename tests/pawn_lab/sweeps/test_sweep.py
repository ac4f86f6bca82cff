"""The life of sweeps: over stand-in trainers whose loss the learning rate decides."""

import pytest
from lab_testing import (
    CONFIG,
    ended,
    eventually,
    in_state,
    open_gate,
    trainer_greeting,
    write_losses,
)

from pawn_lab import errors
from pawn_lab.lab import Lab, launching, queries, resuming, spending, sweeping
from pawn_lab.states import ACTIVE, State

LRS = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
PLAN = {"config": CONFIG | {"eval_interval": 10}, "space": {"lr": LRS}}
ASHA = {"rule": "asha", "first_rung": 100, "factor": 2}


def finished(lab: Lab, sweep_id: int):
    """Wait until a sweep has ended and return it."""

    def look():
        sweep = sweeping.get(lab, sweep_id)
        return sweep if sweep.state != "active" else None

    return eventually(look, f"end of sweep {sweep_id}")


def test_a_grid_crosses_arms_and_space_in_one_call(open_lab):
    lab = open_lab("gate")
    plan = PLAN | {"arms": [{}, {"mate_boost": 1.0}], "space": {"lr": [1e-3, 1e-4]}, "seeds": 2}
    sweep, known = sweeping.start(lab, plan)
    assert (known, len(sweep.points), sweep.tag) == (False, 4, "sweep-1")
    configs = [trial.config for trial in queries.selected(lab, tag="sweep-1")]
    assert [(c["mate_boost"], c["lr"], c["seed"]) for c in configs] == [
        (boost, lr, seed) for boost in (0.0, 1.0) for lr in (1e-3, 1e-4) for seed in (0, 1)
    ]


def test_the_same_plan_again_is_the_same_sweep(open_lab):
    lab = open_lab("gate")
    sweeping.start(lab, PLAN)
    again, known = sweeping.start(lab, PLAN)
    assert (again.id, known, len(queries.trials(lab))) == (1, True, 5)
    other, known = sweeping.start(lab, PLAN, idempotency_key="once more")
    assert (other.id, known) == (2, False)
    with pytest.raises(errors.IdempotencyConflictError, match="belongs to sweep 2"):
        sweeping.start(lab, PLAN | {"seeds": 2}, idempotency_key="once more")


def test_a_trial_that_ran_by_itself_before_is_taken_and_not_run_again(open_lab):
    lab = open_lab("study")
    ended(lab, launching.launch(lab, PLAN["config"] | {"lr": 1e-3}, tags=["mine"]).id)
    plan = PLAN | {"space": {"lr": [1e-3, 1e-4]}}
    planned = sweeping.planned(lab, plan)
    assert (planned.same_as, planned.trials) == ({0: [1]}, 1)
    sweep = finished(lab, sweeping.start(lab, plan)[0].id)
    assert [point.trials for point in sweep.points] == [[1], [2]]
    assert [point.state for point in sweep.points] == ["completed"] * 2
    assert queries.trial(lab, 1).tags == ["mine", "sweep-1"]
    assert (
        "is not run again"
        in next(
            e for e in queries.events(lab, limit=99).events if e.kind == "sweep" and e.trial_id == 1
        ).message
    )
    other, _ = sweeping.start(lab, plan, idempotency_key="anew")
    assert [point.trials for point in other.points] == [[3], [4]], "a trial is of one sweep"


def test_a_trial_that_was_continued_is_taken_where_there_is_nothing_to_promote(open_lab):
    lab = open_lab("study")
    paused = PLAN["config"] | {"pause_after_steps": 500}
    for lr in LRS[:3]:
        ended(lab, launching.launch(lab, paused | {"lr": lr}, tags=["by hand"]).id)
    ended(lab, resuming.resume(lab, 2).id)
    plan = PLAN | {"config": paused, "space": {"lr": LRS[:3]}, "tags": ["swept"]}
    planned = sweeping.planned(lab, plan)
    assert (planned.same_as, planned.trials) == ({0: [1], 1: [2], 2: [3]}, 0)
    sweep = finished(lab, sweeping.start(lab, plan)[0].id)
    assert [point.trials for point in sweep.points] == [[1], [2], [3]]
    assert [trial.id for trial in queries.selected(lab, tag="swept")] == [1, 2, 3]
    assert queries.trial(lab, 1).tags == ["by hand", "swept", "sweep-1"]


def test_a_trial_that_a_sweep_is_to_promote_must_not_have_been_continued(open_lab):
    lab = open_lab("study")
    paused = PLAN["config"] | {"pause_after_steps": 100}
    for lr in LRS[:2]:
        ended(lab, launching.launch(lab, paused | {"lr": lr}).id)
    ended(lab, resuming.resume(lab, 2).id)
    plan = PLAN | {"space": {"lr": LRS[:2]}, "early_stopping": ASHA}
    planned = sweeping.planned(lab, plan)
    assert (planned.same_as, planned.trials) == ({0: [1]}, 2)
    sweeping.start(lab, plan)
    assert [point.trials[0] for point in sweeping.get(lab, 1).points] == [1, 4]


def test_a_plan_of_the_same_runs_is_the_same_sweep_and_its_trials_take_the_new_tags(open_lab):
    lab = open_lab("study")
    plan = PLAN | {"space": {"lr": LRS[:2]}}
    finished(lab, sweeping.start(lab, plan)[0].id)
    config = PLAN["config"] | {"no_outcome_token": True}
    again = plan | {"tags": ["again"], "config": config, "hypothesis": "said anew"}
    assert sweeping.planned(lab, again).repeats == 1
    sweep, known = sweeping.start(lab, again)
    assert (sweep.id, known, len(queries.trials(lab))) == (1, True, 2)
    assert [trial.id for trial in queries.selected(lab, tag="again")] == [1, 2]
    events = [e for e in queries.events(lab, limit=99).events if e.kind == "tags"]
    assert [(e.trial_id, e.data["tags"][-1]) for e in events] == [(1, "again"), (2, "again")]


def test_points_that_come_to_the_same_run_are_one(open_lab):
    lab = open_lab("study")
    plan = PLAN | {"arms": [{}, {"no_outcome_token": True}], "space": {"lr": LRS[:2]}}
    sweep = finished(lab, sweeping.start(lab, plan)[0].id)
    assert [(point.arm, point.trials) for point in sweep.points] == [(0, [1]), (0, [2])]


def test_a_grid_without_early_stopping_trains_every_point_to_its_end(open_lab):
    lab = open_lab("study")
    sweep = finished(lab, sweeping.start(lab, PLAN)[0].id)
    assert sweep.state == "completed"
    assert {point.state for point in sweep.points} == {"completed"}
    best = min(sweep.points, key=lambda point: point.value)
    assert best.overrides == {"lr": 1e-3}
    (event,) = [e for e in queries.events(lab, limit=1000).events if "completed; best" in e.message]
    assert event.data["best_points"] == [best.number]


def test_asha_resumes_the_better_and_leaves_the_others_paused_with_the_evidence(open_lab):
    lab = open_lab("study")
    sweep = finished(lab, sweeping.start(lab, PLAN | {"early_stopping": ASHA})[0].id)
    (winner,) = [point for point in sweep.points if point.state == "completed"]
    assert (winner.overrides, winner.step) == ({"lr": 1e-3}, 1000)
    lineage = [queries.trial(lab, i) for i in winner.trials]
    assert [t.from_step for t in lineage] == [None, 100, 200, 400, 800]
    assert [t.parent for t in lineage] == [None, *winner.trials[:-1]]
    stops = [e for e in queries.events(lab, limit=1000).events if e.kind == "early_stop"]
    assert len(stops) == 4
    first = next(e for e in stops if e.data["point"] == 0)
    assert first.data["rung"] == 100
    assert len(first.data["val_loss_by_point"]) == 5
    assert "at step 100 is 5. of 5" in first.message or "is 4. of 5" in first.message
    assert all(t.state in (State.PAUSED, State.COMPLETED) for t in queries.trials(lab))


def test_median_keeps_those_not_worse_than_the_median(open_lab):
    lab = open_lab("study")
    rule = {"rule": "median", "first_rung": 500, "factor": 2, "least": 5}
    sweep = finished(lab, sweeping.start(lab, PLAN | {"early_stopping": rule})[0].id)
    by_state = {state: [] for state in ("completed", "stopped")}
    for point in sweep.points:
        by_state[point.state].append(point.overrides["lr"])
    assert by_state == {"completed": [1e-4, 1e-3, 1e-2], "stopped": [1e-5, 1e-1]}


def test_a_trial_that_is_expected_to_end_worse_than_another_is_stopped_with_the_numbers(open_lab):
    lab = open_lab("gate:study")
    steady = CONFIG | {"lr_schedule": "constant", "warmup_steps": 10, "eval_interval": 20}
    plan = {"config": steady, "space": {"lr": LRS[:4]}, "early_stopping": {"rule": "forecast"}}
    sweeping.start(lab, plan)
    for trial_id, floor in ((1, 3.0), (2, 3.0), (3, 2.0)):
        open_gate(lab, trial_id)
        ended(lab, trial_id)
        write_losses(lab, trial_id, 1000, floor)
    trainer_greeting(lab, 4)
    write_losses(lab, 4, 500, 3.0)
    stopped = ended(lab, 4)
    assert (stopped.state, stopped.exit.reason) == (State.KILLED, "forecast")
    told = stopped.exit.evidence
    assert (told["reference_trial"], told["at_step"], told["held"], told["of"]) == (3, 1000, 3, 3)
    assert told["reference_loss"] < told["low"] < told["forecast"] < told["high"]
    assert finished(lab, 1).points[3].state == "stopped"
    (event,) = [e for e in queries.events(lab, limit=1000).events if e.kind == "early_stop"]
    assert (event.trial_id, event.data["reference_trial"]) == (4, 3)
    assert "trial 3 has 2.314" in event.message


def test_arms_are_ranked_apart(open_lab):
    lab = open_lab("study")
    plan = PLAN | {"arms": [{}, {"mate_boost": 1.0}], "space": {"lr": [1e-3, 1e-5]}}
    sweep = finished(lab, sweeping.start(lab, plan | {"early_stopping": ASHA})[0].id)
    done = [point.overrides for point in sweep.points if point.state == "completed"]
    assert done == [{"lr": 1e-3}, {"mate_boost": 1.0, "lr": 1e-3}]


def test_random_points_are_the_same_for_the_same_sampler_seed(open_lab):
    lab = open_lab("gate")
    space = {"lr": {"low": 1e-5, "high": 1e-1, "log": True}, "batch_size": {"low": 2, "high": 9}}
    plan = PLAN | {"space": space, "method": "random", "points": 8}
    made = [p.overrides for p in sweeping.start(lab, plan)[0].points]
    assert len({p["lr"] for p in made}) == 8
    assert all(1e-5 <= p["lr"] <= 1e-1 and 2 <= p["batch_size"] <= 9 for p in made)
    again, _ = sweeping.start(lab, plan, idempotency_key="again")
    assert [p.overrides for p in again.points] == made


def test_tpe_asks_for_points_as_results_come_in(open_lab):
    lab = open_lab("study")
    space = {"lr": {"low": 1e-6, "high": 1.0, "log": True}, "optimizer": ["adamw", "muon"]}
    plan = PLAN | {"space": space, "method": "tpe", "points": 14, "parallel": 2}
    sweep = finished(lab, sweeping.start(lab, plan)[0].id)
    assert (sweep.state, len(sweep.points)) == ("completed", 14)
    assert [point.number for point in sweep.points] == list(range(14))
    best = min(sweep.points, key=lambda point: point.value)
    assert abs(best.value - 0.1) < 1.0
    assert lab.paths.study(1).exists()


def test_points_that_wait_at_a_rung_keep_nobody_from_asking_for_those_they_wait_for(open_lab):
    lab = open_lab("study")
    space = {"lr": {"low": 1e-6, "high": 1.0, "log": True}}
    asked = {"method": "tpe", "points": 4, "parallel": 1, "space": space}
    rule = {"rule": "asha", "first_rung": 100, "factor": 3}
    sweep = finished(lab, sweeping.start(lab, PLAN | asked | {"early_stopping": rule})[0].id)
    assert sorted(point.state for point in sweep.points) == ["completed"] + 3 * ["stopped"]


def test_a_point_whose_trial_crashes_fails_and_the_others_go_on(open_lab):
    lab = open_lab("crash")
    sweep = finished(lab, sweeping.start(lab, PLAN)[0].id)
    assert {point.state for point in sweep.points} == {"failed"}
    assert sweep.state == "completed"


def test_a_stopped_sweep_promotes_nobody(open_lab):
    lab = open_lab("gate:study")
    sweeping.start(lab, PLAN | {"space": {"lr": [1e-3, 1e-4]}, "early_stopping": ASHA})
    in_state(lab, 1, State.RUNNING)
    assert sweeping.stop(lab, 1).state == "stopped"
    for trial_id in (1, 2):
        open_gate(lab, trial_id)
        assert ended(lab, trial_id).state is State.PAUSED
    assert len(queries.trials(lab)) == 2
    with pytest.raises(errors.TrialStateError, match="sweep 1 is stopped"):
        sweeping.stop(lab, 1)


def test_a_sweep_goes_on_with_nobody_looking(open_lab, workspace):
    lab = open_lab("study")
    sweeping.start(lab, PLAN | {"early_stopping": ASHA})
    folders = lab.paths.trials
    lab.close()
    eventually(lambda: len(list(folders.glob("*/exit.json"))) >= 9, "trials of later rungs")
    with Lab.open(workspace) as again:
        assert finished(again, 1).state == "completed"


def test_what_the_budget_does_not_hold_is_not_started(open_lab):
    lab = open_lab("gate:paced")
    spending.set_cost(lab, 7200.0)
    launching.launch(lab, CONFIG)
    open_gate(lab, 1)
    ended(lab, 1)
    spending.set_cost(lab, 7200.0, budget=1500.0)
    with pytest.raises(errors.BudgetExceededError, match="these 5 trials included"):
        sweeping.start(lab, PLAN)
    assert len(queries.trials(lab)) == 1
    with pytest.raises(errors.UnknownSweepError, match="sweep 1 does not exist; the workspace has"):
        sweeping.get(lab, 1)


def test_looking_at_a_sweep_that_waits_costs_no_reading_of_metrics(open_lab, monkeypatch):
    lab = open_lab("gate")
    sweeping.start(lab, PLAN)
    in_state(lab, 1, State.RUNNING)
    lab.tick()
    monkeypatch.setattr("pawn_lab.sweeps.advance.standings", pytest.fail)
    lab.tick()
    assert any(trial.state in ACTIVE for trial in queries.trials(lab))
