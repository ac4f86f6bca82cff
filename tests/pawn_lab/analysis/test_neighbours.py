"""Which past trials are the same, alike, or too different to compare with."""

from types import SimpleNamespace

from pawn_core.config import parse_config
from pawn_lab.analysis.neighbours import confounds, duplicates, nearest
from pawn_lab.configs import StoredConfig

BASE = {"variant": "toy", "local_checkpoints": True, "total_steps": 1000}


def config(**fields):
    return StoredConfig.of(parse_config(BASE | fields))


def trials(*configs):
    return [SimpleNamespace(id=i, parent=None, config=c) for i, c in enumerate(configs, 1)]


def test_a_duplicate_has_the_same_setting_and_seeds_and_began_from_scratch():
    past = trials(config(), config(seed=1), config(lr=0.01), config())
    past[3].parent = 1
    assert duplicates(config(), past) == [1]


def test_the_nearest_differ_in_the_fewest_settings_and_the_newest_of_equals_comes_first():
    past = trials(config(lr=0.01, optimizer="muon"), config(lr=0.01), config(lr=0.02))
    near = nearest(config(), past, 3)
    assert [neighbour.trial.id for neighbour in near] == [3, 2, 1]
    assert near[0].differs == {"lr": [0.02, config()["lr"]]}
    assert len(nearest(config(), past, 2)) == 2


def test_trials_of_another_kind_of_run_are_no_neighbours():
    several = {"run_type": "cotrain", "local_checkpoints": True, "variants": {"toy": {}, "b": {}}}
    several["variants"]["b"] = {"variant": "toy", "lr": 0.01}
    other = StoredConfig.of(parse_config(several))
    assert nearest(config(), trials(other), 3) == []


def test_only_a_difference_of_several_settings_confounds():
    past = trials(config(lr=0.01, optimizer="muon"), config(lr=0.01))
    [warning] = confounds(nearest(config(), past, 2))
    assert "differs from trial 1 in" in warning
    assert "lr" in warning
    assert "optimizer" in warning
