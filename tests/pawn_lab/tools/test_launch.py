"""lab_launch: repeated safely, in groups of seeds, and thought through before."""

import pytest
from lab_testing import CONFIG, ended, in_state, open_gate

from pawn_lab.documents import read_json_object
from pawn_lab.errors import IdempotencyConflictError, InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.states import State
from pawn_lab.tools.launch import lab_launch


@pytest.fixture
def finished(study):
    """The finished study: trials 1 and 2 plain, 3 with mate_boost, 4 continues 1."""
    with Lab.open(study) as lab:
        yield lab


def test_the_same_call_again_returns_the_first_trial(open_lab):
    lab = open_lab("gate")
    first = lab_launch(lab, CONFIG)
    again = lab_launch(open_lab("gate"), CONFIG)
    assert (first.trial_id, first.repeated) == (1, None)
    assert (again.trial_id, again.repeated) == (1, [1])
    assert len(queries.trials(lab)) == 1
    open_gate(lab, 1)


def test_a_key_of_its_own_runs_the_same_config_again(open_lab):
    lab = open_lab("complete")
    assert lab_launch(lab, CONFIG).trial_id == 1
    assert lab_launch(lab, CONFIG, idempotency_key="again").trial_id == 2


def test_a_config_whose_trial_failed_is_launched_anew(open_lab):
    lab = open_lab("crash")
    ended(lab, lab_launch(lab, CONFIG).trial_id)
    assert lab_launch(lab, CONFIG).trial_id == 2


def test_another_seed_or_another_trainer_is_another_trial(open_lab):
    assert lab_launch(open_lab("complete"), CONFIG).trial_id == 1
    assert lab_launch(open_lab("complete"), CONFIG | {"seed": 1}).trial_id == 2
    assert lab_launch(open_lab("pause"), CONFIG).trial_id == 3


def test_other_code_is_another_trial(open_lab, monkeypatch):
    lab = open_lab("complete")
    lab_launch(lab, CONFIG)
    monkeypatch.setattr("pawn_lab.trials.launches.code_digest", lambda: "changed")
    assert lab_launch(lab, CONFIG).trial_id == 2


def test_a_group_differs_only_in_its_seeds(open_lab):
    lab = open_lab("complete")
    answer = lab_launch(lab, CONFIG | {"seed": 5}, seeds=3, tags=["g"])
    configs = [queries.trial(lab, i).config for i in answer.trial_ids]
    assert [(c["seed"], c["data_seed"]) for c in configs] == [(5, 5), (6, 6), (7, 7)]
    rest = [{k: v for k, v in c.items() if k not in ("seed", "data_seed")} for c in configs]
    assert rest[0] == rest[1] == rest[2]
    assert [queries.trial(lab, i).tags for i in answer.trial_ids] == [["g"]] * 3


OUTCOME_TOKEN = (
    "no_outcome_token has no effect: sequences of the searchless vocabulary have no outcome token "
    "unless prepend_outcome"
)


def test_what_has_no_effect_is_said_and_makes_no_trial_of_its_own(open_lab):
    lab = open_lab("complete")
    first = lab_launch(lab, CONFIG, tags=["plain"])
    planned = lab_launch(lab, CONFIG | {"no_outcome_token": True}, dry_run=True)
    assert (planned.warnings, planned.repeated) == ([OUTCOME_TOKEN], [1])
    again = lab_launch(lab, CONFIG | {"no_outcome_token": True}, tags=["no-outcome"])
    assert (first.warnings, first.repeated) == (None, None)
    assert (again.trial_id, again.repeated, again.warnings) == (1, [1], [OUTCOME_TOKEN])
    forced = lab_launch(lab, CONFIG | {"no_outcome_token": True}, idempotency_key="forced")
    assert (forced.trial_id, forced.warnings) == (2, [OUTCOME_TOKEN])


def test_a_trial_that_is_returned_instead_of_launched_takes_the_tags(open_lab):
    lab = open_lab("complete")
    lab_launch(lab, CONFIG, tags=["a"])
    answer = lab_launch(lab, CONFIG, seeds=3, tags=["b", "a"])
    assert (answer.trial_ids, answer.repeated, answer.tags) == ([1, 2, 3], [1], ["a", "b"])
    assert [trial.id for trial in queries.selected(lab, tag="b")] == [1, 2, 3]
    [event] = [e for e in queries.events(lab, limit=99).events if e.kind == "tags"]
    assert (event.trial_id, event.data) == (1, {"tags": ["a", "b"], "before": ["a"]})
    lab_launch(lab, CONFIG, tags=["a"])
    assert [e.kind for e in queries.events(lab, limit=99).events].count("tags") == 1


def test_a_trial_takes_no_more_tags_than_a_trial_may_have(open_lab):
    lab = open_lab("complete")
    lab_launch(lab, CONFIG, tags=[f"t{n}" for n in range(20)])
    with pytest.raises(InvalidRequestError, match="21 tags are too many"):
        lab_launch(lab, CONFIG, tags=["one more"])


def test_a_data_seed_that_was_chosen_stays_the_same_in_a_group(open_lab):
    lab = open_lab("complete")
    answer = lab_launch(lab, CONFIG | {"data_seed": 9}, seeds=2)
    assert [queries.trial(lab, i).config["data_seed"] for i in answer.trial_ids] == [9, 9]


def test_a_repeated_group_is_the_same_group_and_a_longer_one_adds_the_missing_seeds(open_lab):
    lab = open_lab("complete")
    assert lab_launch(lab, CONFIG, seeds=2).trial_ids == [1, 2]
    again = lab_launch(lab, CONFIG, seeds=2)
    assert (again.trial_ids, again.repeated) == ([1, 2], [1, 2])
    longer = lab_launch(lab, CONFIG, seeds=3)
    assert (longer.trial_ids, longer.repeated) == ([1, 2, 3], [1, 2])


def test_a_key_stands_for_the_whole_group(open_lab):
    lab = open_lab("complete")
    assert lab_launch(lab, CONFIG, seeds=2, idempotency_key="k").trial_ids == [1, 2]
    assert lab_launch(lab, CONFIG, seeds=2, idempotency_key="k").trial_ids == [1, 2]
    with pytest.raises(IdempotencyConflictError, match="belongs to trial 1"):
        lab_launch(lab, CONFIG, seeds=3, idempotency_key="k")


@pytest.mark.parametrize("seeds", [0, -1, 101, True])
def test_a_number_of_seeds_out_of_range_is_refused(open_lab, seeds):
    lab = open_lab("complete")
    with pytest.raises(InvalidRequestError, match=r"seeds .* is not allowed: a whole number, 1 to"):
        lab_launch(lab, CONFIG, seeds=seeds)
    assert queries.trials(lab) == []


def test_a_group_one_of_whose_seeds_cannot_be_used_launches_nothing(open_lab):
    lab = open_lab("complete")
    with pytest.raises(InvalidRequestError, match="validation games must not be trained on"):
        lab_launch(lab, CONFIG | {"seed": 6, "val_seed": 7}, seeds=3)
    assert queries.trials(lab) == []


def test_a_dry_run_launches_nothing_and_says_why_numbers_are_missing(open_lab):
    lab = open_lab("complete")
    answer = lab_launch(lab, CONFIG, dry_run=True)
    assert queries.trials(lab) == []
    assert (answer.trial_id, answer.plan.queue_position, answer.plan.starts_in_s) == (None, 0, 0.0)
    assert answer.plan.total_s is None
    assert any("no trial with this cost of a step" in why for why in answer.plan.unknown)
    assert any("lab_set_cost" in why for why in answer.plan.unknown)
    assert answer.plan.parameters == 267_392


def test_a_dry_run_refuses_what_a_launch_would(open_lab):
    with pytest.raises(InvalidRequestError, match="did you mean 'lr'"):
        lab_launch(open_lab("complete"), {"lrr": 1}, dry_run=True)


def test_a_dry_run_behind_a_trial_of_unknown_speed_has_no_start(open_lab):
    lab = open_lab("gate")
    for seed in range(3):
        lab_launch(lab, CONFIG | {"seed": seed})
    in_state(lab, 1, State.RUNNING)
    plan = lab_launch(lab, CONFIG | {"seed": 9}, dry_run=True).plan
    assert (plan.queue_position, plan.starts_in_s) == (1, None)
    assert "start: a trial before it has no known rate yet" in plan.unknown


def test_a_dry_run_takes_time_and_money_from_comparable_trials(finished):
    config = queries.trial(finished, 1).config | {"pause_after_steps": None, "total_steps": 8}
    plan = lab_launch(finished, config, dry_run=True).plan
    assert plan.from_trials == 4
    assert plan.step_s.p90 is None, "four trials have no 90th percentile"
    assert 0 < plan.step_s.p50 <= plan.step_s.most
    assert plan.total_s.p50 >= 8 * plan.step_s.p50 * 0.99
    devices = len(finished.devices)
    assert plan.cost.p50 == pytest.approx(plan.total_s.p50 / 3600 * 3.6 / devices, rel=1e-3)
    assert plan.unknown is None


def test_a_dry_run_names_duplicates_and_the_nearest_trials_with_their_results(finished):
    plan = lab_launch(finished, dict(queries.trial(finished, 2).config), dry_run=True).plan
    assert plan.duplicates == [2]
    nearest = plan.nearest[0]
    assert (nearest.trial_id, nearest.differs) == (2, {})
    assert nearest.best_value > 0
    unboosted = queries.trial(finished, 3).config | {"mate_boost": 0.0}
    near = lab_launch(finished, unboosted, dry_run=True).plan.nearest
    assert {row.trial_id: row.differs for row in near}[3] == {"mate_boost": [1.0, 0.0]}


def test_a_dry_run_warns_of_a_comparison_with_two_causes(finished):
    config = queries.trial(finished, 3).config | {"lr": 5e-3}
    config |= {"weight_decay": 0.5}
    plan = lab_launch(finished, config, dry_run=True).plan
    assert any("differs from trial 3 in" in confound for confound in plan.confounds)


def test_the_rule_by_forecast_goes_with_the_trial_and_is_off_by_default(open_lab):
    lab = open_lab("complete")
    lab_launch(lab, CONFIG)
    lab_launch(lab, CONFIG | {"seed": 1}, stop_by_forecast=True)
    limits = [read_json_object(lab.paths.trial(i).launch)["limits"] for i in (1, 2)]
    assert [each["forecast_every_s"] for each in limits] == [None, 60.0]


def test_several_models_at_once_are_not_judged_by_one_forecast(open_lab):
    lab = open_lab("complete")
    config = {"run_type": "cotrain", "variants": {"toy": {}, "wide": {"variant": "toy"}}}
    with pytest.raises(InvalidRequestError, match="run_type 'cotrain' trains several models"):
        lab_launch(lab, config | {"local_checkpoints": True}, stop_by_forecast=True)
