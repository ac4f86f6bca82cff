"""What a continuation takes over: costs, values that followed, a learning rate that jumps."""

from pawn_core.config import parse_config
from pawn_lab.configs import StoredConfig
from pawn_lab.trials import inheritance

EXPLORED = {
    "variant": "small",
    "total_steps": 200_000,
    "pause_after_steps": 5000,
    "lr": 1e-3,
    "no_compile": True,
    "eval_interval": 250,
    "patience": 8,
    "local_checkpoints": True,
}


def resolved(config):
    return StoredConfig.of(parse_config(config))


def continued(parent, **overrides):
    return resolved(resolved(parent) | {"pause_after_steps": None} | overrides)


def costs(machine_has_gpu, **overrides):
    parent = resolved(EXPLORED)
    found = inheritance.costs(parent, continued(EXPLORED, **overrides), machine_has_gpu, 5000)
    return {cost.field: cost.why for cost in found}


def test_what_an_exploration_saves_a_continuation_pays_for():
    assert costs(True) == {
        "no_compile": "steps are not compiled",
        "eval_interval": "780 evaluations of 512 games",
        "checkpoint_interval": "780 checkpoints",
        "patience": "it stops after 2000 steps without improvement",
    }
    assert costs(False).keys() == {"eval_interval", "checkpoint_interval", "patience"}


def test_float32_is_changed_by_name_for_auto_stays_what_the_checkpoint_was_trained_in():
    parent = EXPLORED | {"no_amp": True}
    found = inheritance.costs(resolved(parent), continued(parent), True, 5000)
    changes = {cost.field: cost.instead for cost in found}
    assert {n: changes[n] for n in ("no_amp", "amp_dtype")} == {
        "no_amp": False,
        "amp_dtype": "bfloat16",
    }
    assert continued(parent, **changes)["amp_dtype"] == "bfloat16"


def test_what_the_caller_overrides_is_not_inherited():
    overrides = {"no_compile": None, "eval_interval": 5000, "checkpoint_interval": 5000}
    assert costs(True, **overrides, patience=None) == {}


def test_a_longer_schedule_moves_the_learning_rate_and_both_rates_are_said():
    parent = EXPLORED | {"total_steps": 5000, "pause_after_steps": None, "eval_interval": 5000}
    [jump] = inheritance.rate_changes(
        resolved(parent), continued(parent, total_steps=200_000), 5000
    )
    assert jump == (
        "the learning rate was 1.09e-10 and goes on at 0.000999 from step 5000 "
        "(total_steps 5000 -> 200000)"
    )


def test_a_learning_rate_that_goes_on_as_planned_is_not_mentioned():
    parent = resolved(EXPLORED)
    assert inheritance.rate_changes(parent, continued(EXPLORED), 5000) == []
    assert inheritance.rate_changes(parent, continued(EXPLORED, weight_decay=0.1), 5000) == []
    [jump] = inheritance.rate_changes(parent, continued(EXPLORED, lr=3e-4), 5000)
    assert jump.endswith("goes on at 0.00015 from step 5000 (lr 0.001 -> 0.0003)")


def test_each_variant_has_its_own_jump():
    config = {"run_type": "cotrain", "local_checkpoints": True, "total_steps": 1000}
    config |= {"variants": {"toy": {"lr_schedule": "constant"}, "wide": {"variant": "toy"}}}
    jumps = inheritance.rate_changes(resolved(config), continued(config, total_steps=100_000), 1000)
    assert [jump.split(":")[0] for jump in jumps] == ["wide"]


def test_a_value_that_followed_from_what_was_changed_is_named():
    parent = EXPLORED | {"lr_schedule": "wsd", "total_steps": 5000}
    stale = inheritance.stale(resolved(parent), continued(parent, total_steps=200_000))
    assert stale == {
        "warmup_steps": "stays 250 as it followed then; now 10000 would follow",
        "decay_steps": "stays 500 as it followed then; now 20000 would follow",
    }
    assert inheritance.stale(resolved(parent), continued(parent)) == {}
    chosen = {"total_steps": 200_000, "decay_steps": 700, "warmup_steps": 10}
    assert inheritance.stale(resolved(parent), continued(parent, **chosen)) == {}


def test_a_config_that_this_version_refuses_has_nothing_to_compare_with():
    parent = StoredConfig(resolved(EXPLORED) | {"lr_schedule": "gone"})
    assert inheritance.rate_changes(parent, continued(EXPLORED, lr=1e-4), 5000) == []
    assert inheritance.stale(parent, continued(EXPLORED)) == {}
