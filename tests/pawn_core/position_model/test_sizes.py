"""The sizes are those of the reference, and their operations those that torch counts."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pawn_core.config import Architecture
from pawn_core.config.position_models import POLICY_RANKS, POSITION_VARIANTS
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.model.transformer import Attention
from pawn_core.position_model import PositionModel, PositionModelSpec, forward_operations
from pawn_core.position_model.tower import BoardAttention

SMALL = Architecture(d_model=24, n_layers=3, n_heads=2, d_ff=40)


def spec_of(variant: str, **changes) -> PositionModelSpec:
    rank = POLICY_RANKS.get(variant, 0)
    return replace(PositionModelSpec(POSITION_VARIANTS[variant], policy_rank=rank), **changes)


@cache
def parameters(spec: PositionModelSpec) -> dict[str, int]:
    """Return the size of each part: trunk, policy, value and each task's head."""
    model = PositionModel(spec)
    parts = {"trunk": model.trunk, "policy": model.policy, "value": model.value, **model.tasks}
    return {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}


def of_two_heads_never_trained(channels: int) -> int:
    """Matrix0 has two more heads, the move's square and its kind: 1x1 to 32, norm, 1x1."""
    return 2 * (32 * channels + 2 * 32) + 32 * 64 + 32 * 12


def of_the_hidden_plane(channels: int) -> int:
    """Matrix0 has no plane that says which squares are hidden."""
    return 9 * channels


def of_the_usual_rates(without: tuple[str, ...]) -> int:
    """Matrix0's heads begin at one half of everything; here each output has a rate of its own."""
    return sum(task.outputs for task in POSITION_TASKS if task.name not in without)


@pytest.mark.parametrize(
    ("without", "count"), [((), 44_299_410), (("pawn_structure", "king_safety"), 44_214_306)]
)
def test_matrix0_has_the_parameters_of_the_reference(without: tuple[str, ...], count: int) -> None:
    parts = parameters(spec_of("matrix0"))
    own = sum(size for name, size in parts.items() if name not in without)
    own -= of_the_hidden_plane(288) + of_the_usual_rates(without)
    assert own + of_two_heads_never_trained(288) == count


@pytest.mark.parametrize(
    ("variant", "count"),
    [
        ("toy", 36_728),
        ("tiny", 184_456),
        ("small", 882_120),
        ("medium", 4_726_440),
        ("matrix0", 44_281_040),
        ("matrix0_320", 57_669_920),
    ],
)
def test_each_variant_has_the_parameters_that_are_said(variant: str, count: int) -> None:
    assert sum(parameters(spec_of(variant)).values()) == count


SPECS = [
    PositionModelSpec(SMALL, attention_every=1, attention_mask_share=0.5),
    PositionModelSpec(SMALL, attention_every=0, policy_rank=24, value_head="wdl"),
    PositionModelSpec(SMALL, trunk="transformer", tasks=("fork", "king_safety")),
]


def counted_by_hand(spec: PositionModelSpec, tasks: tuple[str, ...] | None) -> int:
    """Return the operations of one position: of each matrix and kernel where it is used."""
    model, products = PositionModel(spec), []
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(
                lambda of, _, output: products.append(output.numel() * of.weight[0].numel())
            )
        if isinstance(module, BoardAttention | Attention):  # scores, and the mix of values
            module.register_forward_hook(lambda *_: products.append(2 * 64 * 64 * SMALL.d_model))
    model(torch.zeros(1, 19, 8, 8, dtype=torch.uint8), tasks=tasks)
    return 2 * sum(products)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("tasks", [None, ()])
def test_operations_are_those_of_each_matrix_and_kernel(
    spec: PositionModelSpec, tasks: tuple[str, ...] | None
) -> None:
    assert forward_operations(spec, tasks) == counted_by_hand(spec, tasks)


@pytest.mark.slow  # imports the compiler
@pytest.mark.parametrize("spec", SPECS)
def test_operations_are_those_that_torch_counts_and_twice_as_many_backward(
    spec: PositionModelSpec,
) -> None:
    model, planes = PositionModel(spec), torch.zeros(5, 19, 8, 8, dtype=torch.uint8)
    with FlopCounterMode(display=False) as counter:
        outputs = model(planes)
    assert counter.get_total_flops() == 5 * forward_operations(spec)
    with FlopCounterMode(display=False) as counter:
        outputs = model(planes)
        heads = (outputs.policy, outputs.value, *outputs.tasks.values())
        sum(head.sum() for head in heads).backward()
    of_the_planes = 2 * 64 * 20 * SMALL.d_model * (9 if spec.trunk == "tower" else 1)
    # A fused attention computes its scores again in the backward pass, which counts for nothing.
    recomputed = 0 if spec.trunk == "tower" else SMALL.n_layers * 2 * 64 * 64 * SMALL.d_model
    expected = 3 * forward_operations(spec) - of_the_planes + recomputed
    assert counter.get_total_flops() == 5 * expected
