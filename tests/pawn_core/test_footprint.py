"""Sizes from dimensions alone: the published numbers, and the bytes of real models."""

from pathlib import Path
from typing import Any

import pytest
import torch
from real_runs import real_run
from safetensors.torch import save_file
from tiny import TINY, setup_of

from pawn_core.config import VARIANTS, Architecture, MultitaskConfig, RunConfig, parse_config
from pawn_core.footprint import (
    CHARACTERS,
    Footprint,
    backbone_refusal,
    footprint,
    parameter_count,
)
from pawn_core.language import CharacterVocabulary, TextModelSpec, new_text_model
from pawn_core.position_model import PositionModel, PositionModelSpec
from pawn_core.runtime import resolve_runtime
from pawn_core.training.learning import build_learner


def bytes_in_training(config: RunConfig) -> Footprint:
    """Return what models hold after a forward and backward pass, counted tensor by tensor."""
    runtime = resolve_runtime(config)
    members = config.members().items()
    learners = [build_learner(name, member, setup_of(member, runtime)) for name, member in members]
    [batch] = learners[0].task.make_batch(0)
    for learner in learners:
        learner.task.loss_sums(batch)["loss"].backward()
    parameters = [p for learner in learners for p in learner.task.model.parameters()]
    weights = [t for learner in learners for t in learner.task.model.state_dict().values()]
    state = [t for learner in learners for t in learner.optimizer.state_dict().values()]
    gradients = [p.grad for p in parameters if p.grad is not None]
    held = (sum(tensor.nbytes for tensor in kind) for kind in (weights, gradients, state))
    return Footprint(sum(p.numel() for p in parameters), *held)


@pytest.mark.parametrize(
    "chosen",
    [
        {"optimizer": "adamw"},
        {"optimizer": "muon"},
        {"optimizer": "muon", "n_layers": 3, "d_ff": 40, "vocabulary": "coordinate"},
        {"optimizer": "adamw", "d_model": 24, "n_layers": 2, "no_outcome_token": True},
    ],
)
def test_the_bytes_are_those_of_a_real_model_its_gradients_and_its_optimizer(
    chosen: dict[str, Any],
) -> None:
    config = parse_config(TINY | chosen)
    assert footprint(config) == bytes_in_training(config)


def test_the_bytes_of_models_trained_together_are_those_of_all_of_them() -> None:
    shared = {key: value for key, value in TINY.items() if key not in ("variant", "d_model")}
    del shared["n_layers"], shared["n_heads"]
    size = {"variant": "custom", "d_model": 16, "n_layers": 1, "n_heads": 2}
    variants = {"one": size, "two": size | {"n_layers": 2, "optimizer": "muon"}}
    config = parse_config(shared | {"run_type": "cotrain", "variants": variants})
    assert footprint(config) == bytes_in_training(config)


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [("toy", 267_392), ("small", 8_936_960), ("base", 34_651_136), ("large", 66_909_440)],
)
def test_parameters_are_those_published(variant: str, parameters: int) -> None:
    assert parameter_count(VARIANTS[variant], "searchless") == parameters


def test_a_tied_model_has_no_embedding_of_its_own() -> None:
    architecture = Architecture(d_model=84, n_layers=2, n_heads=4, d_ff=224)
    assert parameter_count(architecture, "searchless", tied=True) == 336_084


@pytest.mark.parametrize(
    "fields",
    [
        {"strategy": "lora"},
        {"strategy": "film", "output_film": True},
        {"strategy": "unfreeze"},
        {"strategy": "tiny", "checkpoint": None, "d_model": 8, "n_heads": 2},
    ],
    ids=lambda fields: fields["strategy"],
)
def test_an_adapter_holds_its_backbone_once_and_moments_of_what_it_trains_alone(
    tmp_path, fields: dict[str, Any]
) -> None:
    config = parse_config(real_run(tmp_path) | fields)
    found, real = footprint(config), bytes_in_training(config)
    assert found[:3] == real[:3]
    assert 0 < real.optimizer - found.optimizer < 4 * 64  # a step count of each tensor


def test_an_adapter_whose_backbone_is_not_at_hand_has_no_size(tmp_path) -> None:
    raw = real_run(tmp_path)
    assert footprint(parse_config(raw | {"checkpoint": "trial:3"})) is None
    too_many = parse_config(raw | {"adapter_layers": "top-9"})
    assert footprint(too_many) is None
    assert "'top-9' are not all there" in (backbone_refusal(too_many) or "")
    (Path(raw["checkpoint"]) / "model.safetensors").write_bytes(b"damaged")
    assert footprint(parse_config(raw)) is None


def test_muon_keeps_one_moment_for_matrices_inside_layers() -> None:
    config = {"variant": "toy", "local_checkpoints": True}
    adamw, muon = (footprint(parse_config(config | {"optimizer": o})) for o in ("adamw", "muon"))
    assert adamw.state_bytes // 4 == 4 * 267_392 + 2 * 9 + 7  # moments, and a step count a tensor
    assert adamw.state_bytes - muon.state_bytes == 4 * 2 * (4 * 64**2 + 3 * 64 * 256 + 7)


def test_a_model_of_text_is_counted_before_it_is_made_and_a_policy_with_its_reference(
    tmp_path: Path,
) -> None:
    base = {"run_type": "sft", "variant": "custom", "d_model": 16, "n_layers": 2, "n_heads": 2}
    config = parse_config(base | {"local_checkpoints": True})
    assert CharacterVocabulary.size == CHARACTERS
    size = footprint(config)
    made = new_text_model(TextModelSpec("characters", Architecture(16, 2, 2, 64), 32), seed=0)
    assert size is not None
    assert size.parameters == made.parameters
    save_file(made.model.state_dict(), tmp_path / "model.safetensors")
    policy = parse_config({"run_type": "grpo", "checkpoint": str(tmp_path), "hf_repo": "a/b"})
    assert footprint(policy) == size._replace(weights=2 * size.weights)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"trunk": "transformer"},
        {"variant": "toy", "value_head": "wdl", "attention_every": 0, "ssl_pin_weight": 0.0},
        {"variant": "matrix0"},
        {"variant": "medium", "policy_rank": 16, "attention_every": 4, "ssl_weight": 0.0},
    ],
)
def test_a_model_of_positions_has_the_parameters_of_the_real_one(fields: dict[str, Any]) -> None:
    common = {"run_type": "multitask", "positions": ".", "local_checkpoints": True}
    config = parse_config(common | fields)
    assert isinstance(config, MultitaskConfig)
    spec = PositionModelSpec(
        config.architecture,
        config.trunk,
        config.attention_every,
        policy_rank=config.policy_rank or 0,
        value_head=config.value_head,
        tasks=tuple(config.task_weights),
    )
    with torch.device("meta"):
        model = PositionModel(spec)
    size = footprint(config)
    assert size is not None
    assert size.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert size.weights == 2 * size.gradients == size.optimizer, "the moving average counts"
