"""An estimate before launch: what can be counted is exact, what is measured is measured."""

import json

import chess_engine
import numpy as np
import pytest
from real_runs import real_run

from pawn_core import estimate
from pawn_core.config import Architecture, parse_config
from pawn_core.flops import training_flops

LAYERS, EMBEDDING, HEAD = 4 * 16**2 + 3 * 16 * 64 + 2 * 16, (64 + 64 + 5 + 11 + 1) * 16, 1980 * 16
PARAMETERS = LAYERS + EMBEDDING + 16 + HEAD


def test_parameters_flops_and_the_memory_of_the_weights_are_counted_exactly(tiny) -> None:
    found = estimate.estimate(parse_config(tiny))
    lengths = chess_engine.generate_random_games(5 * 4, seed=0, max_ply=24).lengths.astype(int)
    tokens, pairs = int(lengths.sum()), int((lengths * (lengths + 1) // 2).sum())
    assert found.parameters == PARAMETERS
    assert found.tokens_per_step == round(tokens / 5)
    flops = training_flops(Architecture(16, 1, 2, 64), 1980, tokens, pairs) / 5
    assert found.flops_per_step == round(flops)
    memory = found.memory
    assert memory.weights == memory.gradients == 4 * PARAMETERS
    tensors = 4 + 3 + 2 + 5 + 1 + 1  # attention, feed-forward, norms, embedding, final norm, head
    assert memory.optimizer == 2 * 4 * PARAMETERS + 4 * tensors  # two moments, a step count each
    assert memory.activations > 24 * 4 * 16 * 4  # at least the residual stream
    parts = (memory.weights, memory.gradients, memory.optimizer, memory.activations)
    assert memory.total == sum(parts)


def test_times_are_measured_and_grow_with_the_batch_where_few_games_stand_for_many(tiny) -> None:
    found = estimate.estimate(parse_config(tiny | {"batch_size": 64}))
    assert found.calibrated_games == 16
    assert found.tokens_per_step == pytest.approx(64 * 24, rel=0.05)
    assert found.first_step_s > 0
    assert found.training_s == pytest.approx(found.step_s * 12)
    assert (found.device, found.device_memory_bytes) == ("cpu", None)


def test_variants_trained_together_add_up_but_for_activations(tiny) -> None:
    size = {name: tiny.pop(name) for name in ("variant", "d_model", "n_layers", "n_heads")}
    alone = estimate.estimate(parse_config(tiny | size))
    variants = {"one": size, "two": size}
    both = estimate.estimate(parse_config(tiny | {"run_type": "cotrain", "variants": variants}))
    assert both.parameters == 2 * alone.parameters
    assert both.flops_per_step == pytest.approx(2 * alone.flops_per_step, abs=1)
    assert both.memory.optimizer == 2 * alone.memory.optimizer
    assert both.memory.activations == alone.memory.activations


def test_recomputed_layers_keep_less(tiny) -> None:
    deep = tiny | {"n_layers": 8}
    kept = estimate.estimate(parse_config(deep)).memory.activations
    recomputed = estimate.estimate(parse_config(deep | {"gradient_checkpointing": True}))
    assert recomputed.memory.activations < kept / 3


def test_the_command_prints_one_json_object_or_says_what_is_wrong(tiny, tmp_path, capsys) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(tiny))
    assert estimate.main(["--config", str(config)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["parameters"] == PARAMETERS
    assert np.isfinite(printed["step_s"])
    config.write_text(json.dumps(tiny | {"lr": -1}))
    assert estimate.main(["--config", str(config)]) == 2
    assert capsys.readouterr().err.startswith("estimate: lr -1 is not allowed")


def test_an_adapter_is_measured_where_its_size_is_not_told_by_the_config(
    tmp_path, monkeypatch
) -> None:
    config = parse_config(real_run(tmp_path))
    told = estimate.estimate(config)
    monkeypatch.setattr(estimate, "footprint", lambda _: None)
    measured = estimate.estimate(config)
    assert measured.parameters == told.parameters
    assert measured.memory.gradients == told.memory.gradients == 4 * 2 * 4 * 2 * 2 * 16
    assert measured.memory.weights == told.memory.weights
