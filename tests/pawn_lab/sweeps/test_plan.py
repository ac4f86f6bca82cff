"""Plans: what is refused, and in which words."""

import json
from collections import defaultdict
from pathlib import Path

import pytest
from lab_testing import CONFIG

from pawn_lab.errors import InvalidRequestError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.sweeps.plan import checked_plan, read_plan
from pawn_lab.sweeps.points import points

ROOT = Path(__file__).resolve().parents[3]
LOG = {"low": 1e-5, "high": 1e-2, "log": True}


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({}, "config"),
        ({"config": CONFIG, "spaces": {}}, "a plan has no 'spaces'; did you mean 'space'"),
        ({"config": CONFIG, "space": {"lrr": [1]}}, "space field 'lrr' is no config field; did"),
        ({"config": CONFIG, "space": {"lr": LOG}}, "a grid needs a list of values for lr"),
        ({"config": CONFIG, "space": {"lr": []}}, "space.lr"),
        ({"config": CONFIG, "space": {"lr": [1e-3]}, "points": 3}, "method 'grid' and points 3"),
        ({"config": CONFIG, "space": {"lr": LOG}, "method": "random"}, "points None do not fit"),
        ({"config": CONFIG, "method": "tpe", "points": 3}, "method 'tpe' needs a space"),
        ({"config": CONFIG, "space": {"lr": [1e-3]}, "arms": [{"lr": 1}]}, "by an arm and by"),
        ({"config": CONFIG, "space": {"lr": [1e-3]}, "parallel": 2}, "parallel belongs to method"),
        ({"config": CONFIG, "space": {"lr": {"low": 2, "high": 1}}}, "low 2 is not below high 1"),
        (
            {"config": CONFIG, "space": {"lr": {"low": 0, "high": 1, "log": True}}},
            "low 0 has no logarithm",
        ),
        (
            {
                "config": CONFIG,
                "space": {"mate_boost": [0.0, 1.0]},
                "early_stopping": {"first_rung": 10},
            },
            "val_loss of other validation games cannot be ranked",
        ),
        (
            {"config": CONFIG, "arms": [{}, {}], "space": {"lr": LOG}}
            | {"method": "tpe", "points": 2},
            "make a sweep of each",
        ),
        ({"config": CONFIG, "tags": ["\n"]}, "tag"),
        ({"config": CONFIG, "priority": 5000}, "priority 5000"),
        ({"config": CONFIG, "seeds": 0}, "seeds 0 is not allowed"),
        ({"config": CONFIG, "space": {"lr": {"low": float("nan"), "high": 1}}}, "space"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(plan, message):
    with pytest.raises(InvalidRequestError, match=message):
        checked_plan(plan)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"space": {"lr": [1e-3, -1.0]}}, r'point \{"lr": -1.0\}: lr -1 is not allowed'),
        ({"arms": [{"zzz": 1}]}, "zzz is not a field"),
        ({"space": {"seed": list(range(400))}, "seeds": 2}, "800 trials are too many"),
        (
            {"space": {"lr": {"low": -1.0, "high": 0.1}}, "method": "tpe", "points": 2},
            "lr -1 is not allowed",
        ),
    ],
)
def test_a_plan_one_of_whose_points_is_refused_makes_none(plan, message):
    with pytest.raises(InvalidRequestError, match=message):
        points(checked_plan({"config": CONFIG} | plan))


def test_the_committed_plan_of_the_ablation_study_has_its_nine_trials():
    plan = checked_plan(read_plan(WorkspacePaths(ROOT / "runs"), "ablation-study"))
    made = points(plan)
    configs = [plan.resolved(point.overrides) for point in made]
    assert len(made) == 9
    assert {config.lr for config in configs} == {1e-4, 3e-4, 1e-3}
    assert {(c.pause_after_steps, c.total_steps) for c in configs} == {(5000, 200_000)}
    assert sum(config.mate_boost == 1.0 for config in configs) == 3
    assert sum(not config.prepend_outcome for config in configs) == 3


@pytest.mark.parametrize(
    "name", sorted(p.stem for p in (ROOT / "runs/plans").glob("targets-*.json"))
)
def test_a_committed_study_crosses_its_targets_and_optimizers_with_three_rates_or_more(name):
    plan = checked_plan(read_plan(WorkspacePaths(ROOT / "runs"), name))
    rates = defaultdict(set)
    for point in points(plan):
        config = plan.resolved(point.overrides)
        rates[config.targets, config.optimizer].add(config.lr)
    assert {targets for targets, _ in rates} == {"sampled", "legal"}
    assert min(map(len, rates.values())) >= 3


@pytest.mark.parametrize("name", ["../secret", "none", "a/b", "", ".hidden", "x" * 200, "a\x00b"])
def test_a_plan_is_read_from_its_folder_alone(tmp_path, name):
    paths = WorkspacePaths(tmp_path / "runs")
    paths.plans.mkdir(parents=True)
    (tmp_path / "secret.json").write_text("{}")
    with pytest.raises(InvalidRequestError, match="is not in plans/"):
        read_plan(paths, name)


@pytest.mark.parametrize("content", ["[]", "{", "x" * (1 << 21)])
def test_a_file_that_is_no_plan_is_refused(tmp_path, content):
    paths = WorkspacePaths(tmp_path)
    paths.plans.mkdir()
    paths.plan("bad").write_text(content)
    with pytest.raises(InvalidRequestError, match="plan 'bad'"):
        read_plan(paths, "bad")


def test_a_plan_is_json_all_the_way():
    plan = checked_plan({"config": CONFIG, "space": {"lr": [1e-3]}})
    assert checked_plan(json.loads(plan.model_dump_json())) == plan


def test_plans_that_come_with_the_lab_are_in_every_workspace_and_give_way_to_its_own(tmp_path):
    paths = WorkspacePaths(tmp_path)
    shipped = read_plan(WorkspacePaths(ROOT / "runs"), "ablation-study")
    assert read_plan(paths, "ablation-study") == shipped
    paths.plans.mkdir()
    paths.plan("ablation-study").write_text('{"seeds": 2}')
    assert read_plan(paths, "ablation-study") == {"seeds": 2}
