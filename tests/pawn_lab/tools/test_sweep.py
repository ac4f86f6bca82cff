"""lab_sweep: plans, what to change in them, and how far a sweep is."""

import json

import pytest
from lab_testing import CONFIG, ended, eventually

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.tools.sweep import lab_sweep

PLAN = {"config": CONFIG, "space": {"lr": [1e-3, 1e-2]}, "tags": ["mine"]}


@pytest.fixture
def lab(open_lab):
    """A lab with a committed plan."""
    lab = open_lab("study")
    lab.paths.plans.mkdir()
    lab.paths.plan("two-rates").write_text(json.dumps(PLAN))
    return lab


def test_a_committed_plan_is_launched_by_its_name(lab):
    answer = lab_sweep(lab, plan="two-rates")
    assert (answer.sweep_id, answer.tag, len(answer.points)) == (1, "sweep-1", 2)
    assert [trial.tags for trial in queries.trials(lab)] == [["mine", "sweep-1"]] * 2
    assert lab_sweep(lab, plan="two-rates").repeated is True


def test_settings_change_a_committed_plan_field_by_field(lab):
    settings = {"config": {"total_steps": 500}, "seeds": 2}
    lab_sweep(lab, plan="two-rates", settings=settings)
    configs = [trial.config for trial in queries.trials(lab)]
    assert {c["total_steps"] for c in configs} == {500}
    assert [(c["lr"], c["seed"]) for c in configs] == [(1e-3, 0), (1e-3, 1), (1e-2, 0), (1e-2, 1)]


def test_a_dry_run_lists_the_points_and_starts_nothing(lab):
    answer = lab_sweep(lab, plan="two-rates", dry_run=True)
    assert [row.setting for row in answer.points] == ["lr=0.001", "lr=0.01"]
    assert (answer.total.trials, answer.total.unknown, answer.total.cost) == (2, 2, None)
    assert queries.trials(lab) == []


def test_a_dry_run_adds_up_what_all_trials_would_cost(study):
    with Lab.open(study) as lab:
        config = dict(queries.trial(lab, 1).config)
        plan = {"config": config, "space": {"lr": [4e-3, 5e-3]}, "seeds": 3}
        total = lab_sweep(lab, settings=plan, dry_run=True).total
        _, one = launching.estimate(lab, config)
    assert (total.trials, total.unknown) == (6, None)
    assert total.cost.p50 == pytest.approx(6 * one.cost.p50, rel=1e-3)
    assert total.device_hours.most == pytest.approx(6 * one.total_s.most / 3600, rel=1e-3)


def test_a_dry_run_names_the_trials_that_have_run_already(lab):
    ended(lab, launching.launch(lab, CONFIG | {"lr": 1e-2}).id)
    answer = lab_sweep(lab, plan="two-rates", dry_run=True)
    assert [row.same_as for row in answer.points] == [None, [1]]
    assert answer.total.trials == 1


def test_the_best_of_each_arm_says_how_far_it_is_ahead_and_where_it_is_an_edge(lab):
    arms = {"arms": [{}, {"mate_boost": 1.0}], "space": {"lr": [1e-4, 1e-3, 1e-2]}}
    lab_sweep(lab, plan="two-rates", settings=arms)
    done = eventually(
        lambda: (a := lab_sweep(lab, sweep_id=1)).state == "completed" and a, "end of the sweep"
    )
    assert done.arms == ["as the config", "mate_boost=1.0"]
    assert [(row.arm, row.setting) for row in done.points[2:4]] == [
        (0, "lr=0.01"),
        (1, "lr=0.0001"),
    ]
    assert [(row.arm, row.setting, row.by, row.edge) for row in done.best] == [
        (arm, "lr=0.001", 1.0, None) for arm in (0, 1)
    ]
    assert "seeds=3, tags=['sweep-1']) of the best, then lab_compare" in done.next_call


def test_a_sweep_tells_the_loss_of_each_point(lab):
    lab_sweep(lab, plan="two-rates")
    done = eventually(
        lambda: (a := lab_sweep(lab, sweep_id=1)).state == "completed" and a, "end of the sweep"
    )
    losses = [row.value for row in done.points]
    assert losses == [pytest.approx(0.1), pytest.approx(1.1)]
    assert [row.trials for row in done.points] == [[1], [2]]
    assert done.best[0].edge == ["lr lowest tried"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs plan, settings, or sweep_id"),
        ({"plan": "two-rate"}, "did you mean 'two-rates'"),
        ({"plan": "../two-rates"}, "is not in plans/"),
        ({"stop": True}, "needs sweep_id"),
        ({"sweep_id": 1, "plan": "two-rates"}, "leave out plan"),
        ({"settings": {"config": CONFIG, "metod": "grid"}}, "did you mean 'method'"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(lab, arguments, message):
    with pytest.raises(InvalidRequestError, match=message):
        lab_sweep(lab, **arguments)
    assert queries.trials(lab) == []


def test_a_sweep_seen_before_is_unchanged_and_a_small_budget_says_what_it_lacks(lab):
    lab_sweep(lab, plan="two-rates", settings={"space": {"lr": [n / 1000 for n in range(1, 21)]}})
    done = eventually(
        lambda: (a := lab_sweep(lab, sweep_id=1)).state == "completed" and a, "end of the sweep"
    )
    assert lab_sweep(lab, sweep_id=1, since=done.cursor).unchanged is True
    short = lab_sweep(lab, sweep_id=1, max_tokens=200)
    assert len(short.points) < 20
    assert "of 20 points" in short.left_out
