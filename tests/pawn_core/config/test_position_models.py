"""What a config says of a model of positions: its size, its trunk, and what is of no effect."""

import pytest

from pawn_core.config import ConfigError, parse_config
from pawn_core.config.multitask import MultitaskConfig
from pawn_core.config.position_models import POLICY_RANKS, POSITION_VARIANTS


def configured(**fields: object) -> MultitaskConfig:
    raw = {"run_type": "multitask", "positions": "made", "local_checkpoints": True, **fields}
    config = parse_config(raw)
    assert isinstance(config, MultitaskConfig)
    return config


@pytest.mark.parametrize("variant", POSITION_VARIANTS)
@pytest.mark.parametrize("trunk", ["tower", "transformer"])
def test_each_variant_can_be_had_with_each_trunk(variant: str, trunk: str) -> None:
    config = configured(variant=variant, trunk=trunk)
    assert config.architecture == POSITION_VARIANTS[variant]
    assert config.policy_rank == POLICY_RANKS.get(variant, 0)
    assert config.no_effect() == {}


def test_dimensions_are_overridden_one_by_one() -> None:
    config = configured(variant="matrix0", n_layers=3, policy_rank=0, attention_every=1)
    assert config.architecture == POSITION_VARIANTS["matrix0"]._replace(n_layers=3)
    assert (config.policy_rank, config.attention_every) == (0, 1)


@pytest.mark.parametrize(
    ("fields", "field", "why"),
    [
        ({"trunk": "transformer", "attention_every": 2}, "attention_every", "of a tower; each"),
        (
            {"trunk": "transformer", "attention_mask_share": 0.5},
            "attention_mask_share",
            "of a tower; each square of a transformer sees all others",
        ),
        (
            {"attention_every": 0, "attention_mask_share": 0.5},
            "attention_mask_share",
            "attention_every 0 leaves no attention",
        ),
        (
            {"variant": "toy", "attention_mask_share": 0.5},
            "attention_mask_share",
            "attention_every 3 leaves no attention",
        ),
        ({"d_ff": 96}, "d_ff", "a tower has no feed-forward layers"),
        ({"checkpoint": "trial:3", "attention_every": 1}, "attention_every", "checkpoint has its"),
        ({"checkpoint": "trial:3", "policy_rank": 8}, "policy_rank", "checkpoint has its own"),
    ],
)
def test_fields_of_what_a_model_has_not_are_of_no_effect(
    fields: dict, field: str, why: str
) -> None:
    config = configured(**fields)
    assert config.no_effect()[field].startswith(why)
    plain = {name: value for name, value in fields.items() if name != field}
    assert config.settings() == configured(**plain).settings()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"variant": "huge"}, "variant 'huge' is unknown; one of: toy, tiny"),
        ({"attention_mask_share": 1.5}, "attention_mask_share"),
        ({"trunk": "tree"}, "trunk 'tree' is unknown; one of: tower, transformer"),
        ({"n_heads": 3}, "d_model 32 is not divisible by n_heads 3; n_heads that fit: 1, 2, 4"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        configured(**fields)
