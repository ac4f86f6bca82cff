"""16-bit copies of weights: autocast's numbers, without its casts at each pass."""

from dataclasses import dataclass, field, replace

import pytest
import torch
from tiny import setup_of
from torch import nn

from pawn_core.config import parse_config
from pawn_core.runtime import Runtime
from pawn_core.training.learner import Learner
from pawn_core.training.learning import build_learner
from pawn_core.training.weight_copies import WeightCopies

RUNTIME = Runtime(torch.device("cpu"), torch.bfloat16, compiled=False)


def learner_of(raw, runtime: Runtime, **fields) -> Learner:
    config = parse_config(raw | fields)
    return build_learner("", config, setup_of(config, runtime))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_with_copies_is_bitwise_the_run_with_autocasts_casts(tiny, dtype, optimizer) -> None:
    runtime = replace(RUNTIME, amp_dtype=dtype)
    fields = {"accumulation_steps": 2, "optimizer": optimizer, "n_layers": 2}
    copied, cast = (
        learner_of(tiny, replace(runtime, weights_copy=copies), **fields)
        for copies in (True, False)
    )
    seen = []
    copied.task.model.layers[0].ffn.w_down.register_forward_pre_hook(
        lambda module, _: seen.append(module.weight.dtype)
    )
    for index in range(4):
        for learner in (copied, cast):
            learner.learn([learner.task.make_batch(index)], waited=0.0)
    assert copied.stats.state_dict() == cast.stats.state_dict()
    assert all(map(torch.equal, copied.optimizer.parameters, cast.optimizer.parameters))
    assert seen == [dtype] * 8
    assert all(p.dtype is torch.float32 for p in copied.task.model.parameters())
    assert [*copied.task.tensors()["model.safetensors"]] == [*cast.task.model.state_dict()]


def linear(seed: int = 0) -> nn.Linear:
    module = nn.Linear(4, 3, bias=False)
    nn.init.normal_(module.weight, generator=torch.Generator().manual_seed(seed))
    return module


def test_weights_that_others_have_set_are_copied_before_they_are_used() -> None:
    module = linear()
    copies = WeightCopies([module], torch.bfloat16)
    module.load_state_dict(linear(seed=1).state_dict())
    with copies.in_use():
        assert module.weight.equal(linear(seed=1).weight.bfloat16())
        used = module.weight
    with copies.in_use():
        assert module.weight is used


def test_gradients_of_several_passes_are_added_up_in_float32() -> None:
    module = linear()
    copies = WeightCopies([module], torch.bfloat16)
    inputs = torch.randn(50, 4, generator=torch.Generator().manual_seed(2)).bfloat16()
    expected = torch.zeros(3, 4)
    for part in inputs.split(1):
        with copies.in_use():
            module(part).sum().backward()
        expected += part.float().expand(3, 4)
    assert module.weight.grad is not None
    assert module.weight.grad.dtype is torch.float32
    assert module.weight.grad.equal(expected)


def test_a_failing_pass_leaves_the_weights_in_their_place_and_no_gradient() -> None:
    module = linear()
    weight, x = module.weight, torch.ones(1, 4, dtype=torch.bfloat16)
    copies = WeightCopies([module], torch.bfloat16)
    with pytest.raises(RuntimeError, match="shapes"), copies.in_use():
        [module(inputs).sum().backward() for inputs in (x, x[:, :3])]
    assert module.weight is weight
    assert weight.grad is None
    with copies.in_use():
        module(x).sum().backward()
    assert weight.grad is not None
    assert weight.grad.equal(torch.ones(3, 4))


def test_neither_frozen_weights_nor_those_in_16_bits_have_copies() -> None:
    frozen, short = linear().requires_grad_(False), linear().bfloat16()
    copies = WeightCopies([frozen, short], torch.bfloat16)
    with copies.in_use():
        assert frozen.weight.dtype is torch.float32
        assert short.weight.dtype is torch.bfloat16
    copies.write()


@pytest.mark.slow
def test_copies_are_compiled_as_often_as_casts_and_evaluations_still_read_the_weights(tiny) -> None:
    from torch._dynamo.testing import CompileCounter

    @dataclass(frozen=True)
    class Counting(Runtime):
        graphs_made: CompileCounter = field(default_factory=CompileCounter)

        def compile(self, function, *, dynamic=None):
            return torch.compile(function, backend=self.graphs_made, dynamic=dynamic)

    counts, losses = [], []
    for copies in (True, False):
        torch._dynamo.reset()
        runtime = Counting(RUNTIME.device, torch.bfloat16, compiled=True, weights_copy=copies)
        learner = learner_of(tiny, runtime, batching="packed")
        for index in range(3):
            learner.learn([learner.task.make_batch(index)], waited=0.0)
            losses.append(learner.task.evaluate()["val_loss"])
        counts.append(runtime.graphs_made.frame_count)
    assert counts[0] == counts[1] > 0
    assert losses[:3] == losses[3:]
