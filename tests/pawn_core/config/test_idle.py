"""What a config says to no effect is named with the reason, and makes no run of its own."""

import random

import pytest

from pawn_core.config import ConfigError, parse_config
from pawn_core.training.schedules import build_schedule

MINIMAL = {"local_checkpoints": True, "total_steps": 1000, "eval_interval": 100}
WITHOUT_EFFECT = {
    "outcome token": ({}, {"no_outcome_token": True}, "have no outcome token unless"),
    "floor": ({"lr_schedule": "constant"}, {"min_lr_ratio": 0.1}, "never decays"),
    "decay": (
        {"lr_schedule": "wsd", "min_lr_ratio": 1.0},
        {"decay_steps": 50},
        "nothing to decay",
    ),
    "schedule": ({"min_lr_ratio": 1.0}, {"lr_schedule": "wsd"}, "nothing to decay"),
    "cycle": ({"warmup_steps": 0}, {"lr_schedule": "one_cycle"}, "it is a cosine"),
    "short decay": (
        {"lr_schedule": "wsd", "decay_steps": 1},
        {"min_lr_ratio": 0.1},
        "decay_steps 1 ends",
    ),
    "cooldown": (
        {"lr_schedule": "infinite", "constant_lr_ratio": 1.0},
        {"cooldown_steps": 7},
        "nothing to cool down",
    ),
    "plateau": (
        {"lr_schedule": "infinite", "min_lr_ratio": 0.3},
        {"decay_steps": 7},
        "min_lr_ratio is the plateau",
    ),
    "residual": ({"amp_dtype": "none"}, {"residual_dtype": "amp"}, "computes in float32"),
    "pause": ({}, {"pause_after_steps": 1000}, "ends at total_steps 1000"),
    "patience": ({}, {"patience": 9}, "only 9 evaluations come before total_steps"),
    "what of patience": ({}, {"patience_metric": "compound"}, "without patience"),
    "evaluations": ({"eval_interval": 5000}, {"eval_interval": 1001}, "past total_steps 1000"),
    "checkpoints": ({"eval_interval": 2000}, {"checkpoint_interval": 1001}, "past total_steps"),
}
ON_CPU = {
    "compiler": ({}, {"no_compile": True}, "nothing is compiled on a CPU"),
    "graphs": ({}, {"cuda_graphs": True}, "a CPU repeats no steps"),
}
ON_GPU = {"compiler": ({}, {"no_compile": False}, "everything is compiled")}


def parse(*fields):
    merged = dict(MINIMAL)
    for some in fields:
        merged |= some
    return parse_config(merged)


@pytest.mark.parametrize("case", WITHOUT_EFFECT)
def test_a_field_without_effect_is_named_with_the_reason(case):
    others, fields, reason = WITHOUT_EFFECT[case]
    reasons = parse(others, fields).no_effect()
    assert reasons.keys() >= fields.keys()
    assert all(reason in reasons[field] for field in fields)


@pytest.mark.parametrize(
    ("on_gpu", "cases"), [(False, ON_CPU), (True, ON_GPU)], ids=["on a CPU", "on a GPU"]
)
def test_some_fields_have_an_effect_on_one_kind_of_device_only(on_gpu, cases):
    for others, fields, reason in cases.values():
        config = parse(others, fields)
        assert reason in config.no_effect(on_gpu)[next(iter(fields))]
        assert config.no_effect() == config.no_effect(not on_gpu) == {}


@pytest.mark.parametrize("case", WITHOUT_EFFECT)
def test_a_config_with_a_field_without_effect_is_the_run_without_it(case):
    others, fields, _ = WITHOUT_EFFECT[case]
    assert parse(others, fields).settings() == parse(others).settings()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"lr": 3e-4, "mate_boost": 0.0, "no_outcome_token": False, "lr_schedule": "cosine"},
        {"warmup_steps": 50, "prepend_outcome": False, "max_seq_len": 512, "d_model": 512},
        {"vocabulary": "coordinate", "no_outcome_token": True},
        {"patience": 8, "patience_metric": "compound", "pause_after_steps": 999},
        {"min_lr_ratio": 1.0, "no_amp": True},
        {"eval_interval": 5000, "lr_schedule": "infinite"},
        {"checkpoint_interval": 2000},
        {"total_steps": 10_000, "eval_interval": 20_000},
        {"lr_schedule": "constant", "warmup_steps": 1},
    ],
)
def test_what_has_an_effect_or_only_says_the_default_is_not_named(fields):
    assert parse(fields).no_effect() == {}


@pytest.mark.parametrize(
    ("some", "others"),
    [
        ({"vocabulary": "coordinate", "no_outcome_token": True}, {"prepend_outcome": False}),
        ({"no_amp": True}, {"amp_dtype": "none"}),
        ({"lr_schedule": "constant"}, {"min_lr_ratio": 1.0}),
        ({"data_seed": 0, "warmup_steps": 50, "checkpoint_interval": 100}, {}),
        ({"variant": "custom", "d_model": 512, "n_layers": 8, "n_heads": 8}, {}),
        ({"variant": "small", "d_model": 512, "n_heads": 8, "d_ff": 2048}, {}),
    ],
)
def test_the_same_run_said_in_other_words_has_the_same_settings(some, others):
    others = {"vocabulary": some.get("vocabulary", "searchless")} | others
    assert parse(some).settings() == parse(others).settings()
    assert parse(some).no_effect() == {}


def test_settings_leave_out_what_follows_and_parse_to_themselves():
    config = parse({"variant": "custom", "d_model": 768, "n_layers": 8, "n_heads": 8})
    settings, plain = config.settings(), parse().settings()
    assert {k: v for k, v in settings.items() if v != plain.get(k)} == {"d_model": 768}
    assert parse_config(settings).settings() == settings
    assert parse_config(settings).architecture == config.architecture


def test_equal_settings_are_equal_learning_rates_at_every_step():
    seed = random.randrange(2**32)
    rng, rates, parsed = random.Random(seed), {}, 0
    for _ in range(3000):
        try:
            config = parse({"total_steps": rng.choice([3, 20])} | _schedule(rng))
        except ConfigError:
            continue
        parsed += 1
        schedule = build_schedule(config)
        curve = [round(schedule(step), 12) for step in range(config.total_steps)]
        known = rates.setdefault(repr(config.settings()), curve)
        assert known == curve, f"seed {seed}: {config.settings()}"
    assert parsed > len(rates) + 100, f"seed {seed}: few configs have the settings of another"


def test_a_run_is_the_same_without_the_fields_that_are_said_to_have_no_effect():
    seed = random.randrange(2**32)
    rng, named = random.Random(seed), 0
    intervals = [None, 7, 20, 30, 5000]
    for _ in range(3000):
        stops = {
            "eval_interval": rng.choice(intervals),
            "checkpoint_interval": rng.choice(intervals),
        }
        stops |= {"patience": rng.choice([None, 1, 2, 9]), "patience_metric": "compound"}
        stops |= {"no_outcome_token": rng.random() < 0.5, "pause_after_steps": rng.choice([7, 20])}
        fields = {"total_steps": 20} | _schedule(rng) | stops
        given = MINIMAL | {name: value for name, value in fields.items() if value is not None}
        try:
            config = parse_config(given)
        except ConfigError:
            continue
        without = set(config.no_effect())
        without |= {"decay_steps"} if "lr_schedule" in without else set()
        named += bool(without)
        left = {name: value for name, value in given.items() if name not in without}
        assert parse_config(left).settings() == config.settings(), f"seed {seed}: {given}"
    assert named > 100


def _schedule(rng):
    choices = {
        "lr_schedule": ["cosine", "wsd", "constant", "one_cycle", "infinite"],
        "warmup_steps": [0, 1, 2, 7],
        "min_lr_ratio": [0.0, 0.3, 1.0],
        "decay_steps": [None, 1, 2, 9],
        "cooldown_steps": [None, 1, 3],
        "constant_lr_ratio": [None, 0.3, 1.0],
    }
    return {name: rng.choice(values) for name, values in choices.items()}


COTRAIN = {"run_type": "cotrain", "variants": {"toy": {}, "wide": {"variant": "toy"}}}


def test_variants_name_what_has_no_effect_on_all_or_on_one_of_them():
    own = {"toy": {"lr": 1e-3, "lr_schedule": "constant", "min_lr_ratio": 0.1}, "small": {"lr": 1}}
    reasons = parse(COTRAIN, {"variants": own, "lr": 1e-2, "patience": 9}).no_effect()
    assert reasons.keys() == {"lr", "patience", "variants.toy.min_lr_ratio"}
    assert reasons["lr"] == "each variant has its own"


def test_variants_that_come_to_the_same_models_are_the_same_setting():
    restated = {"toy": {"lr": 3e-4}, "wide": {"variant": "toy", "d_model": 64}}
    assert parse(COTRAIN, {"variants": restated}).settings() == parse(COTRAIN).settings()
    faster = {"toy": {"lr": 1e-3}, "wide": {"variant": "toy", "lr": 1e-3}}
    assert parse(COTRAIN, {"variants": faster}).settings() == (
        parse(COTRAIN, {"lr": 1e-3}).settings()
    )
