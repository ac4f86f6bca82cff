"""Sizes from dimensions alone: the published numbers of parameters."""

import pytest

from pawn_core.config import VARIANTS, parse_config
from pawn_core.footprint import footprint, parameter_count


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [("toy", 267_392), ("small", 8_936_960), ("base", 34_651_136), ("large", 66_909_440)],
)
def test_parameters_are_those_published(variant, parameters):
    assert parameter_count(VARIANTS[variant], "searchless") == parameters


def test_muon_keeps_one_moment_for_matrices_inside_layers():
    config = {"variant": "toy", "local_checkpoints": True}
    adamw, muon = (footprint(parse_config(config | {"optimizer": o})) for o in ("adamw", "muon"))
    assert adamw.state_bytes == 16 * 267_392
    assert adamw.state_bytes - muon.state_bytes == 4 * 2 * (4 * 64**2 + 3 * 64 * 256)


def test_models_that_are_trained_together_add_up():
    config = {"run_type": "cotrain", "variants": {"toy": {}, "small": {}}}
    together = footprint(parse_config(config | {"local_checkpoints": True}))
    assert together.parameters == 267_392 + 8_936_960
