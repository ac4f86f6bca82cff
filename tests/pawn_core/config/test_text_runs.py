"""Configs of runs on text tasks: what follows from what, what is idle, and what is refused."""

from typing import Any

import pytest

from pawn_core.config import ConfigError, GrpoConfig, SftConfig
from pawn_core.config.errors import config_error
from pawn_core.config.policy_loss import ALGORITHMS, KL_ESTIMATORS
from pawn_core.config.text_models import TEXT_VARIANTS
from pawn_core.config.text_tasks import Stage

KINDS: dict[str, tuple[type[SftConfig | GrpoConfig], dict[str, Any]]] = {
    "sft": (SftConfig, {"local_checkpoints": True}),
    "grpo": (GrpoConfig, {"local_checkpoints": True, "checkpoint": "trial:3"}),
}


def parse(run_type: str, **fields: Any) -> Any:
    kind, needed = KINDS[run_type]
    try:
        return kind.model_validate(needed | fields)
    except ValueError as error:
        raise config_error(error, kind, run_type) from None  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_null_fields_of_the_policy_loss_are_the_algorithms_own(algorithm) -> None:
    config, usual = parse("grpo", algorithm=algorithm), ALGORITHMS[algorithm]
    assert {name: getattr(config, name) for name in usual._fields} == usual._asdict()
    assert config.no_effect() == {}
    assert GrpoConfig.model_validate(config.settings()) == config


def test_the_upper_clip_follows_a_lower_one_that_is_not_the_algorithms() -> None:
    assert parse("grpo", algorithm="dapo", clip_eps=0.2).clip_eps_high == 0.28
    assert parse("grpo", algorithm="dapo", clip_eps=0.1).clip_eps_high == 0.1


def test_the_estimator_of_the_kl_follows_from_where_it_counts() -> None:
    for place, estimators in KL_ESTIMATORS.items():
        assert parse("grpo", kl_in=place).kl_estimator == estimators[0]


def test_sampling_of_a_task_is_its_own_or_that_of_all() -> None:
    config = parse("grpo", temperature=0.7, policy_top_p=0.9, environment_temperature=0.5, top_k=9)
    assert config.sampling_of("policy") == (0.7, 0.9, 9)
    assert config.sampling_of("environment") == (0.5, 1.0, 9)


def test_a_curriculum_has_stages_by_step_with_the_configs_own_difficulty_elsewhere() -> None:
    stages = {"1000": {}, "20": {"hard_ratio": 0.5}, "0": {"men_max": 6}}
    config = parse("sft", curriculum=stages, men_max=30, hard_ratio=0.25)
    assert config.stages == (Stage(0, 0.25, 6), Stage(20, 0.5, 30), Stage(1000, 0.25, 30))
    assert parse("sft").stages == ()


@pytest.mark.parametrize("variant", TEXT_VARIANTS)
def test_a_new_models_dimensions_are_the_variants_and_each_can_be_overridden(variant) -> None:
    config = parse("sft", variant=variant)
    assert config.architecture == TEXT_VARIANTS[variant]
    assert parse("sft", variant=variant, n_layers=3).architecture.n_layers == 3
    assert parse("sft", variant="custom", **config.architecture._asdict()).settings() == (
        config.settings()
    )


IDLE = {
    "new model": ("sft", {"checkpoint": "trial:1"}, {"variant": "tiny"}, "checkpoint has its own"),
    "context": ("sft", {"checkpoint": "trial:1"}, {"max_seq_len": 64}, "checkpoint has its own"),
    "engine": ("sft", {"mix_env_ratio": 1.0}, {"stockfish_depth": 9}, "leaves no P: prompts"),
    "moves": ("grpo", {"mix_env_ratio": 0.0}, {"history": False}, "leaves no A: prompts"),
    "greedy": ("sft", {"val_prompts": 8}, {"greedy_prompts": 9}, "there are val_prompts 8"),
    "cap": ("grpo", {}, {"cispo_cap": 2.0}, "algorithm 'grpo' clips ratios"),
    "clip": ("grpo", {"algorithm": "cispo"}, {"clip_eps": 0.1}, "caps weights: cispo_cap"),
    "floor": ("grpo", {"algorithm": "dr_grpo"}, {"std_floor": 0.1}, "is not in deviations"),
    "rounds": ("grpo", {}, {"most_rounds": 9}, "only dynamic_sampling"),
    "led": ("grpo", {}, {"beta_max": 0.5}, "target_kl null"),
    "reference": ("grpo", {"beta": 0.0}, {"kl_in": "reward"}, "beta 0 leaves the reference out"),
    "weights": (
        "grpo",
        {"reward_scheme": "trl"},
        {"reward_weights": {"policy.best": 1.0}},
        "reward_scheme 'trl' has its own",
    ),
    "shaping": ("grpo", {}, {"reward_shaping": "binary"}, "does not read it: mini"),
}


@pytest.mark.parametrize("case", IDLE)
def test_a_field_without_effect_is_named_and_is_no_setting(case) -> None:
    run_type, others, fields, reason = IDLE[case]
    config = parse(run_type, **others, **fields)
    assert all(reason in config.no_effect()[field] for field in fields)
    assert config.settings() == parse(run_type, **others).settings()


REFUSED = {
    "group of one": ("grpo", {"group_size": 1}, "group_size 1 is not allowed: a completion's"),
    "k1 as a loss": ("grpo", {"kl_estimator": "k1"}, "kl_in 'loss'; allowed: exact, k2, k3"),
    "k3 as a reward": ("grpo", {"kl_in": "reward", "kl_estimator": "k3"}, "allowed: k1"),
    "bounds": ("grpo", {"beta_min": 2.0}, "beta_min 2 is past beta_max 1"),
    "led from zero": ("grpo", {"beta": 0.0, "target_kl": 0.1}, "beta 0 cannot be led"),
    "led from outside": (
        "grpo",
        {"beta": 0.5, "target_kl": 0.1, "beta_max": 0.2},
        "allowed: beta_min 0 to beta_max 0.2",
    ),
    "minibatches": ("grpo", {"minibatches": 3}, "minibatches 3 x accumulation_steps 1 does not"),
    "scheme": ("grpo", {"reward_scheme": "verifed"}, "did you mean 'verified'"),
    "component": (
        "grpo",
        {"reward_weights": {"policy.bets": 1.0}},
        "'policy.bets' is no component; one of: policy.format",
    ),
    "weight": ("grpo", {"reward_weights": {"policy.best": -1.0}}, "policy.best -1 is not allowed"),
    "no checkpoint": ("grpo", {"checkpoint": None}, "checkpoint None is not allowed"),
    "seeds": ("sft", {"val_seed": 5, "data_seed": 5}, "held-out prompts must not be trained on"),
    "seeds of a policy": ("grpo", {"val_seed": 5, "seed": 5}, "held-out prompts must not be"),
    "plies": ("sft", {"min_ply": 300}, "min_ply 300 is past max_ply 200"),
    "stage": ("sft", {"curriculum": {"0": {"men": 6}}}, "curriculum.0.men is not part of a stage"),
    "men": (
        "sft",
        {"curriculum": {"0": {"men_max": 2}}},
        "curriculum.0.men_max 2 is not allowed: >= 3 and <= 32",
    ),
    "half a man": ("sft", {"curriculum": {"0": {"men_max": 3.5}}}, "men_max 3.5 is not allowed"),
    "first step": ("sft", {"curriculum": {"01": {}}}, "curriculum.01"),
    "heads": ("sft", {"d_model": 60, "n_heads": 7}, "d_model 60 is not divisible by n_heads 7"),
    "custom": ("sft", {"variant": "custom"}, "needs d_model, n_layers and n_heads"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_the_field_and_what_is_allowed(case) -> None:
    run_type, fields, reason = REFUSED[case]
    with pytest.raises(ConfigError) as refusal:
        parse(run_type, **fields)
    assert reason in str(refusal.value)
