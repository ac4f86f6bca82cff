"""Gradient checkpointing changes memory, never what is learned."""

import pytest
import torch
from tiny import setup_of

from pawn_core.config import parse_config
from pawn_core.runtime import Runtime
from pawn_core.training.pretrain import PretrainTask


def gradients(raw: dict, *, compiled: bool) -> dict[str, torch.Tensor]:
    runtime = Runtime(torch.device("cpu"), None, compiled=compiled)
    config = parse_config(raw)
    task = PretrainTask(config, setup_of(config, runtime))
    for batch in task.make_batch(0):
        task.loss_sums(batch)["loss"].backward()
    return {name: p.grad for name, p in task.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("targets", ["sampled", "legal"])
def test_gradients_are_bitwise_those_of_a_pass_that_keeps_everything(tiny, targets: str) -> None:
    raw = tiny | {"n_layers": 3, "targets": targets}
    kept = gradients(raw, compiled=False)
    recomputed = gradients(raw | {"gradient_checkpointing": True}, compiled=False)
    assert len(kept) == len(recomputed) > 20
    assert all(torch.equal(kept[name], recomputed[name]) for name in kept)


@pytest.mark.slow
def test_the_compiled_gradients_are_the_same_within_rounding(tiny) -> None:
    raw = tiny | {"n_layers": 2}
    kept = gradients(raw, compiled=False)
    recomputed = gradients(raw | {"gradient_checkpointing": True}, compiled=True)
    for name, gradient in kept.items():
        assert torch.allclose(recomputed[name], gradient, rtol=1e-4, atol=1e-5), name


def test_a_checkpoint_of_a_recomputing_run_is_that_of_any_other(tiny, train, tmp_path) -> None:
    from pawn_core.checkpoint import store

    ends = []
    for name, recompute in (("kept", False), ("recomputed", True)):
        train(tiny | {"gradient_checkpointing": recompute}, name)
        ends.append(store.load(tmp_path / name / "checkpoints/step_00000012").model)
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
