"""What runs on positions refuse: a setting that is none is never passed over."""

from typing import Any

import pytest

from pawn_core.config import ConfigError, parse_config

MULTITASK = {"run_type": "multitask", "positions": "positions", "local_checkpoints": True}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"ssl_pins_weight": 1.0},
            "ssl_pins_weight is not a field of run_type 'multitask'; did you mean 'ssl_pin_weight'",
        ),
        ({"ssl_weight": -0.1}, "ssl_weight"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"domain_weights": {"opening": 1}}, "'opening' is no domain; .*did you mean 'openings'"),
        ({"domain_weights": {"openings": 0}}, "weighs nothing"),
        (
            {"domain_order": "sequential", "domain_stages": {"0": {"openings": 1}}},
            "domain_stages belongs to domain_order 'mixture'",
        ),
        ({"new_heads": ["pins"]}, "'pins' is no head; .*did you mean 'pin'"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_name(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(MULTITASK | fields)
