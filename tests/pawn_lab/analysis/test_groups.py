"""Runs that differ by nothing but seeds, and what keeps two such groups from being compared."""

from dataclasses import replace

import pytest
from past_trials import trial

from pawn_core.config import PretrainConfig
from pawn_lab.analysis.curves import Point
from pawn_lab.analysis.groups import (
    Group,
    Run,
    differing,
    distinguished,
    grouped,
    obstacles,
    shared,
)
from pawn_lab.analysis.origins import essential

LOSS, KL = PretrainConfig.metric("val_loss"), PretrainConfig.metric("kl")


def run(number: int, length: int = 100, **fields) -> Run:
    """Return a run of so many steps with its own settings and seeds."""
    of = trial(number, **fields)
    seeds = of.config["seed"], of.config["data_seed"]
    return Run(of, essential(of.config), seeds, [Point(length, 0.0, 0.0, 1.0)])


def group(*seeds: int, **fields) -> Group:
    runs = [run(number, seed=seed, **fields) for number, seed in enumerate(seeds, 1)]
    return Group(runs[0].settings, runs)


def test_what_has_no_effect_on_what_is_learned_makes_no_other_setting():
    def settings(**fields):
        return essential(trial(1, **fields).config)

    plain = settings()
    assert settings(device="cpu", num_workers=0, seed=5, log_interval=7) == plain
    assert settings(no_amp=True) == settings(amp_dtype="none")
    assert settings(lr=0.1) != plain
    assert not {"seed", "data_seed", "device"} & plain.keys()


def test_runs_are_grouped_by_settings_whatever_their_order_and_seeds():
    runs = [run(3, lr=0.1), run(2, seed=2), run(1, seed=1), run(4, lr=0.1, seed=1, device="cpu")]
    groups, repeated = grouped(runs)
    assert sorted([member.id for member in group.runs] for group in groups) == [[1, 2], [3, 4]]
    assert repeated == []


def test_of_runs_with_the_same_seeds_the_longest_stays_and_of_equals_the_last():
    runs = [run(1, length=200), run(2, length=100), run(3, length=200), run(4, seed=1)]
    [kept], repeated = grouped(runs)
    assert [member.id for member in kept.runs] == [3, 4]
    assert sorted(member.id for member in repeated) == [1, 2]


def test_a_run_without_a_value_gives_way_to_one_that_has_some():
    empty = run(2)
    empty.points.clear()
    [kept], [left_out] = grouped([run(1), empty])
    assert ([member.id for member in kept.runs], left_out.id) == ([1], 2)


def test_a_resumed_run_has_measured_only_what_came_after_its_start():
    for start, has_measured in ((100, False), (99, True), (None, True)):
        resumed = trial(1).model_copy(update={"from_step": start})
        assert replace(run(1, length=100), trial=resumed).has_measured == has_measured


def test_a_run_is_called_by_its_trial_and_among_several_models_by_its_variant_too():
    assert run(7).name == "7"
    assert Run(trial(7), {}, (0, 0), [], "wide").name == "7 wide"


def test_fields_that_may_differ_are_no_obstacle_and_any_others_are():
    a, b = group(1, 2), group(1, 2, lr=0.1)
    assert differing(a, b) == ["lr"]
    assert obstacles(a, b, {"lr"}, LOSS) == []
    assert obstacles(a, b, {"optimizer"}, LOSS) == ["differ in lr"]


def test_without_a_factor_one_difference_is_taken_for_it_and_two_are_too_many():
    a = group(1, 2)
    assert obstacles(a, group(1, 2, lr=0.1), None, LOSS) == []
    [reason] = obstacles(a, group(1, 2, lr=0.1, optimizer="muon"), None, LOSS)
    assert set(reason.removeprefix("differ in ").split(", ")) == {"lr", "optimizer"}


@pytest.mark.parametrize(
    ("fields", "metric", "reason"),
    [
        ({"val_seed": 3}, KL, "kl is of other validation games (val_seed)"),
        ({"mate_boost": 0.5}, LOSS, "val_loss is of other validation games (mate_boost)"),
        ({"mate_boost": 0.5}, KL, None),
        ({"lr": 0.1}, LOSS, None),
    ],
)
def test_values_of_other_validation_games_do_not_compare(fields, metric, reason):
    reasons = obstacles(group(1, 2), group(1, 2, **fields), None, metric)
    assert reasons == ([reason] if reason else [])


def test_a_seed_that_is_one_throughout_each_group_could_be_the_cause():
    one, other = (Group({}, [run(n, seed=s, data_seed=n) for n in (1, 2)]) for s in (1, 2))
    assert obstacles(one, other, None, LOSS) == ["every seed is 1 against 2"]
    mixed = Group({}, [run(1, seed=2, data_seed=1), run(2, seed=3, data_seed=2)])
    assert obstacles(one, mixed, None, LOSS) == []
    alone = Group({}, [run(1, seed=2, data_seed=1)])
    assert obstacles(one, alone, None, LOSS) == []


def test_runs_are_paired_by_equal_seeds_where_they_learned_from_the_same_games():
    a, b = group(1, 2, 3), group(3, 1, 4, lr=0.1)
    pairs = [(ours.seeds[0], theirs.seeds[0]) for ours, theirs in shared(a, b)]
    assert pairs == [(1, 1), (3, 3)]
    assert shared(a, group(1, 2, 3, batch_size=8)) == []


def test_what_tells_several_apart_is_what_any_two_differ_in():
    settings = [{"lr": 1, "d": 2}, {"lr": 1, "d": 3}, {"lr": 1, "d": 2, "new": 4}]
    assert distinguished(settings) == [{"d": 2}, {"d": 3}, {"d": 2, "new": 4}]
