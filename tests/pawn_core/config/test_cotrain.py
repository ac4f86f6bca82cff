"""What a cotraining config accepts, resolves and refuses."""

import json
from pathlib import Path

import pytest

from pawn_core.config import ConfigError, CotrainConfig, parse_config
from pawn_core.config.cotrain import OWN_FIELDS

PLANS = Path(__file__).parents[3] / "runs" / "plans"


def parse(**fields) -> CotrainConfig:
    config = parse_config({"run_type": "cotrain", "local_checkpoints": True} | fields)
    assert isinstance(config, CotrainConfig)
    return config


def test_the_committed_plan_is_the_three_published_variants_on_one_stream():
    config = parse_config(json.loads((PLANS / "three-variants.json").read_text()))
    members = config.members()
    assert {name: member.variant for name, member in members.items()} == {
        "small": "small",
        "base": "base",
        "large": "large",
    }
    assert {(m.total_steps, m.batch_size, m.data_seed) for m in members.values()} == {
        (200_000, 256, 0)
    }


def test_a_variant_has_its_own_schedule_patience_and_size_and_shares_the_rest():
    own = {"lr": 1e-3, "patience": 3, "d_model": 128, "lr_schedule": "cosine", "seed": 7}
    config = parse(
        lr_schedule="wsd", lr=2e-4, variants={"small": {}, "wide": {"variant": "toy"} | own}
    )
    small, wide = config.members().values()
    assert (small.lr, small.lr_schedule, small.decay_steps) == (2e-4, "wsd", 10_000)
    assert (wide.lr, wide.lr_schedule, wide.decay_steps) == (1e-3, "cosine", None)
    assert (small.patience, wide.patience, wide.architecture.d_model) == (None, 3, 128)
    assert (wide.seed, wide.data_seed, small.data_seed) == (7, 0, 0)


def test_a_resolved_config_parses_back_to_itself():
    config = parse(lr_schedule="infinite", variants={"toy": {"lr_schedule": "wsd"}})
    assert parse_config(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({"huge": {}}, "variants.huge: variant 'huge' is unknown; one of: toy, small"),
        ({"toy": {"batch_size": 3}}, "variants.toy.batch_size is not a variant's own field"),
        ({"toy": {"lrr": 1}}, "did you mean 'lr'"),
        ({"toy": {"lr": 9.0}}, r"variants.toy: lr 9 is not allowed.*> 0 and <= 1"),
        ({"../toy": {}}, "not allowed"),
        ({}, "at least 1 item"),
        ({f"m{i}": {"variant": "toy"} for i in range(17)}, "at most 16 items"),
    ],
)
def test_what_a_variant_cannot_have_is_refused_by_name(variants, message):
    with pytest.raises(ConfigError, match=message):
        parse(variants=variants)


def test_real_size_is_that_of_the_largest():
    assert parse().real_size
    assert not parse(variants={"toy": {}}).real_size


def test_every_field_of_a_variant_is_one_of_pretraining():
    [member] = parse(variants={"toy": {}}).members().values()
    assert set(OWN_FIELDS) <= set(type(member).model_fields)
