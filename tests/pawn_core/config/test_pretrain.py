"""What a pretraining config accepts, resolves and refuses."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from pawn_core.config import VARIANTS, ConfigError, PretrainConfig, config_json_schema, parse_config

SEED_CONFIG = {
    "run_type": "pretrain",
    "variant": "base",
    "total_steps": 200000,
    "batch_size": 256,
    "lr": 3e-4,
    "local_checkpoints": True,
    "amp_dtype": "bfloat16",
    "eval_interval": 5000,
    "num_workers": 4,
}
MINIMAL = {"local_checkpoints": True}


def parse(**fields) -> PretrainConfig:
    config = parse_config(MINIMAL | fields)
    assert isinstance(config, PretrainConfig)
    return config


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"mate_boost": 1.0},
        {"no_outcome_token": True},
        {"discard_ply_limit": True},
        {"mate_boost": 1.0, "pause_after_steps": 5000, "lr": 1e-4, "no_compile": True},
    ],
)
def test_the_ablation_configs_of_the_study_validate_verbatim(extra):
    config = parse_config(SEED_CONFIG | {"eval_interval": 2500} | extra)
    assert config.model_dump().items() >= extra.items()


@pytest.mark.parametrize(
    ("vocabulary", "max_seq_len", "prepend_outcome", "max_ply"),
    [("searchless", 512, False, 512), ("coordinate", 256, True, 255)],
)
def test_the_vocabulary_decides_sequence_length_and_layout(
    vocabulary, max_seq_len, prepend_outcome, max_ply
):
    config = parse(vocabulary=vocabulary)
    resolved = (config.max_seq_len, config.prepend_outcome, config.max_ply)
    assert resolved == (max_seq_len, prepend_outcome, max_ply)


def test_no_outcome_token_means_pure_sequences_in_both_vocabularies():
    assert parse(vocabulary="coordinate", no_outcome_token=True).prepend_outcome is False
    assert parse(no_outcome_token=True).prepend_outcome is False


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_resolves_to_its_published_dimensions(variant):
    config = parse(variant=variant)
    assert (config.d_model, config.n_layers, config.n_heads, config.d_ff) == VARIANTS[variant]


def test_one_dimension_of_a_variant_can_be_overridden():
    assert parse(variant="small", n_layers=2).architecture == (256, 2, 4, 1024)


@pytest.mark.parametrize("total_steps", [1, 7, 100, 100_000, 200_000, 10_000_000])
def test_the_default_warmup_is_a_twentieth_and_at_most_ten_thousand_steps(total_steps):
    assert parse(total_steps=total_steps).warmup_steps == min(10_000, total_steps // 20)


@pytest.mark.parametrize("lr_schedule", ["cosine", "wsd", "constant", "one_cycle", "infinite"])
def test_a_resolved_config_parses_back_to_itself(lr_schedule):
    config = parse(lr_schedule=lr_schedule, variant="toy", no_amp=True)
    assert parse_config(json.loads(config.model_dump_json())) == config


def test_derived_defaults_do_not_count_as_set_by_the_caller():
    assert parse(lr=1e-3).model_fields_set == {"local_checkpoints", "lr"}


def test_an_integral_float_is_an_integer_as_in_json_schema():
    assert parse(total_steps=2e5).total_steps == 200_000


REFUSED = {
    "unknown field": ({"learning_rate": 1e-3}, "learning_rate", "did you mean 'lr'"),
    "misspelt field": ({"mate_bost": 1.0}, "mate_bost", "did you mean 'mate_boost'"),
    "NaN": ({"lr": math.nan}, "lr", "finite"),
    "infinity": ({"weight_decay": math.inf}, "weight_decay", "finite"),
    "negative": ({"lr": -1e-3}, "lr", "> 0 and <= 1"),
    "too large": ({"total_steps": 1e30}, "total_steps 1e+30", ">= 1"),
    "fraction": ({"total_steps": 1.5}, "total_steps", "integer"),
    "boolean as number": ({"batch_size": True}, "batch_size", "integer"),
    "text as number": ({"batch_size": "8"}, "batch_size", "'8'"),
    "unknown variant": ({"variant": "bsae"}, "'bsae'", "toy, small, base, large, custom"),
    "unknown schedule": ({"lr_schedule": "cosin"}, "'cosin'", "did you mean 'cosine'"),
    "unknown run type": ({"run_type": "pretrian"}, "'pretrian'", "one of: pretrain"),
    "heads": ({"d_model": 100, "n_heads": 3}, "d_model 100", "n_heads 3"),
    "odd head dimension": ({"d_model": 60, "n_heads": 4}, "15", "even"),
    "custom without dimensions": ({"variant": "custom"}, "custom", "n_layers"),
    "contradiction": ({"no_outcome_token": True, "prepend_outcome": True}, "prepend_outcome", ""),
    "graphs of several GPUs": (
        {"cuda_graphs": True, "gpus": 2},
        "cuda_graphs: true contradicts gpus 2",
        "wait for each other",
    ),
    "graphs in float16": (
        {"cuda_graphs": True, "amp_dtype": "float16"},
        "contradicts amp_dtype 'float16'",
        "scaler",
    ),
    "graphs of any shape": (
        {"cuda_graphs": True, "batching": "bucketed"},
        "contradicts batching 'bucketed'",
        "shapes",
    ),
    "exact with outcome": (
        {"targets": "legal", "prepend_outcome": True},
        "targets 'legal' contradicts prepend_outcome",
        "use targets 'sampled'",
    ),
    "exact with discarding": (
        {"targets": "legal", "discard_ply_limit": True},
        "targets 'legal' contradicts discard_ply_limit",
        "chosen by how they end",
    ),
    "precision": ({"no_amp": True, "amp_dtype": "bfloat16"}, "no_amp", "bfloat16"),
    "pause": ({"pause_after_steps": 11, "total_steps": 10}, "pause_after_steps 11", "1 to"),
    "accumulation": ({"batch_size": 10, "accumulation_steps": 3}, "accumulation_steps 3", "10"),
    "phases": ({"total_steps": 10, "warmup_steps": 11}, "warmup_steps 11", "10"),
    "foreign schedule field": ({"decay_steps": 5}, "decay_steps", "wsd, infinite"),
    "no storage": ({"local_checkpoints": False}, "local_checkpoints", "hf_repo"),
    "two storages": ({"hf_repo": "a/b"}, "local_checkpoints", "exactly one"),
    "bad repository": ({"local_checkpoints": False, "hf_repo": "../x"}, "hf_repo", "../x"),
    "validation seed": ({"seed": 5, "val_seed": 5}, "val_seed 5", "trained on"),
    "device": ({"device": "cuda:0; rm"}, "device", "cuda:0; rm"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_field_is_refused_with_its_name_and_what_is_allowed(case):
    fields, *expected = REFUSED[case]
    with pytest.raises(ConfigError) as refusal:
        parse_config(MINIMAL | fields)
    assert all(part in str(refusal.value) for part in expected)


@pytest.mark.parametrize("raw", [[], "pretrain", None, {str(i): i for i in range(10_000)}])
def test_what_is_not_a_small_object_is_refused(raw):
    with pytest.raises(ConfigError, match="a config"):
        parse_config(raw)


def test_a_huge_value_makes_a_short_message():
    with pytest.raises(ConfigError) as refusal:
        parse_config(MINIMAL | {"x" * 1_000_000: "y", "variant": "z" * 10_000_000})
    assert len(str(refusal.value)) < 1_000


def test_every_field_is_described_and_every_number_bounded_in_the_schema():
    for name, field in config_json_schema()["properties"].items():
        assert field["description"], name
        for option in (field, *field.get("anyOf", [])):
            if option.get("type") in ("integer", "number"):
                assert {"minimum", "exclusiveMinimum"} & option.keys(), name
                assert "maximum" in option, name


JSON_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


@given(
    field=st.sampled_from(sorted(PretrainConfig.model_fields)),
    value=JSON_VALUES | st.lists(JSON_VALUES),
)
def test_any_value_in_any_field_is_refused_or_parses_back_to_itself(field, value):
    try:
        config = parse_config(MINIMAL | {field: value})
    except ConfigError:
        return
    assert parse_config(config.model_dump(mode="json")) == config


def allowed_by(spec: dict[str, Any]) -> st.SearchStrategy:
    """Draw what a field's schema allows."""
    match spec:
        case {"anyOf": options}:
            return st.one_of(map(allowed_by, options))
        case {"const": only}:
            return st.just(only)
        case {"enum": choices}:
            return st.sampled_from(choices)
        case {"pattern": pattern}:
            return st.from_regex(pattern, fullmatch=True)
        case {"type": "integer"}:
            return st.integers(spec["minimum"], spec["maximum"])
        case {"type": "number"}:
            least, above = spec.get("minimum"), spec.get("exclusiveMinimum")
            low = above if least is None else least
            return st.floats(low, spec["maximum"], exclude_min=least is None)
        case {"type": "boolean"}:
            return st.booleans()
    return st.none()


@given(field=st.sampled_from(sorted(PretrainConfig.model_fields)), data=st.data())
def test_a_value_that_the_schema_allows_parses_to_itself_unless_other_fields_forbid_it(field, data):
    value = data.draw(allowed_by(config_json_schema()["properties"][field]))
    try:
        config = parse_config(MINIMAL | {field: value})
    except ConfigError:
        reject()
    assert parse_config(config.model_dump(mode="json")) == config
    assert getattr(config, field) == value or value is None
