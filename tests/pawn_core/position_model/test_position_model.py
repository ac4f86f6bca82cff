"""A model of positions computes the same whatever is computed beside, and hides what it must."""

from dataclasses import replace

import chess_engine
import numpy as np
import pytest
import torch
from torch import nn

from pawn_core.config.position_models import POSITION_VARIANTS
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.position_model import (
    PositionModel,
    PositionModelSpec,
    new_position_model,
)
from pawn_core.position_model.tower import BoardAttention

SEED = 11
TOY = POSITION_VARIANTS["toy"]
SPECS = {
    "tower": PositionModelSpec(TOY, attention_every=2),
    "along lines": PositionModelSpec(
        TOY, attention_every=1, attention_mask_share=1.0, policy_rank=8
    ),
    "transformer": PositionModelSpec(TOY, trunk="transformer", value_head="wdl"),
}


def planes(positions: int, seed: int = SEED) -> torch.Tensor:
    """Return planes uint8 (n, 19, 8, 8) of boards at random, a man or none a square."""
    generator = torch.Generator().manual_seed(seed)
    men = torch.randint(0, 13, (positions, 8, 8), generator=generator)
    pieces = torch.nn.functional.one_hot(men, 13)[..., :12].permute(0, 3, 1, 2)
    flags = torch.randint(0, 2, (positions, 5, 1, 1), generator=generator).expand(-1, -1, 8, 8)
    counters = torch.randint(0, 100, (positions, 2, 1, 1), generator=generator)
    return torch.cat((pieces, flags, counters.expand(-1, -1, 8, 8)), dim=1).to(torch.uint8)


def moved(spec: PositionModelSpec) -> PositionModel:
    """Return a model whose every parameter is drawn, those that begin at 0 too."""
    model = new_position_model(spec, SEED)
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


def flat(outputs) -> dict[str, torch.Tensor]:
    named = {"policy": outputs.policy, "value": outputs.value} | outputs.tasks
    return named if outputs.wdl is None else named | {"wdl": outputs.wdl}


def assert_alike(found, expected, atol: float = 1e-5) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        np.testing.assert_allclose(
            tensor.detach(), expected[name].detach(), rtol=1e-4, atol=atol, err_msg=name
        )


@pytest.mark.parametrize("name", SPECS)
def test_each_head_has_its_shape_and_the_value_is_between_a_loss_and_a_win(name: str) -> None:
    spec = SPECS[name]
    outputs = moved(spec)(planes(3))
    assert outputs.policy.shape == (3, 4672)
    assert {task: tuple(t.shape) for task, t in outputs.tasks.items()} == {
        task.name: (3, task.outputs, 8, 8) for task in POSITION_TASKS
    }
    assert ((outputs.value > -1) & (outputs.value < 1)).all()
    assert (outputs.wdl is not None) == (spec.value_head == "wdl")


@pytest.mark.parametrize("name", SPECS)
def test_what_is_said_of_a_position_does_not_depend_on_others_in_the_batch(name: str) -> None:
    model, boards = moved(SPECS[name]), planes(6)
    whole = flat(model(boards))
    alone = flat(model(boards[4:5]))
    assert_alike(alone, {head: tensor[4:5] for head, tensor in whole.items()})
    order = torch.tensor([3, 5, 0, 1, 4, 2])
    assert_alike(flat(model(boards[order])), {h: t[order] for h, t in whole.items()})
    assert_alike(flat(model.train()(boards)), whole, atol=0)


@pytest.mark.parametrize("name", SPECS)
def test_the_piece_of_a_hidden_square_changes_nothing(name: str) -> None:
    model, boards = moved(SPECS[name]), planes(4)
    hidden = torch.rand(4, 8, 8, generator=torch.Generator().manual_seed(SEED)) < 0.25
    others = boards.clone()
    others[:, :12] = torch.where(hidden[:, None], planes(4, SEED + 1)[:, :12], boards[:, :12])
    assert not torch.equal(others, boards)
    assert_alike(flat(model(others, hidden)), flat(model(boards, hidden)), atol=0)
    shown = flat(model(boards))
    assert not torch.allclose(flat(model(boards, hidden))["piece"], shown["piece"])
    assert_alike(flat(model(boards, torch.zeros_like(hidden))), shown, atol=0)


def test_a_hidden_square_is_not_an_empty_one() -> None:
    model, boards = moved(SPECS["tower"]), planes(1)
    boards[:, :12, 3, 3] = 0
    hidden = torch.zeros(1, 8, 8, dtype=torch.bool)
    hidden[0, 3, 3] = True
    assert not torch.allclose(model(boards, hidden).policy, model(boards).policy)


@pytest.mark.parametrize("tasks", [(), ("fork",), ("king_safety", "piece")])
def test_tasks_asked_for_are_what_they_are_among_all(tasks: tuple[str, ...]) -> None:
    model, boards = moved(SPECS["tower"]), planes(3)
    whole, some = model(boards), model(boards, tasks=tasks)
    assert_alike(some.tasks, {task: whole.tasks[task] for task in tasks}, atol=0)
    assert torch.equal(some.policy, whole.policy)
    assert torch.equal(some.value, whole.value)


def test_models_with_and_without_tasks_begin_as_the_same() -> None:
    spec = SPECS["tower"]
    with_tasks = new_position_model(spec, SEED).state_dict()
    without = new_position_model(replace(spec, tasks=()), SEED).state_dict()
    assert without.keys() < with_tasks.keys()
    assert all(torch.equal(tensor, with_tasks[name]) for name, tensor in without.items())


@pytest.mark.parametrize("name", SPECS)
def test_a_new_model_is_fixed_by_its_seed_alone(name: str) -> None:
    first = new_position_model(SPECS[name], SEED).state_dict()
    torch.manual_seed(5)
    same, other = (new_position_model(SPECS[name], seed).state_dict() for seed in (SEED, SEED + 1))
    assert all(torch.equal(tensor, same[n]) for n, tensor in first.items())
    assert not torch.equal(first["value.trunk.out.weight"], other["value.trunk.out.weight"])


def test_a_new_model_says_the_usual_rates_of_every_square() -> None:
    outputs = new_position_model(SPECS["tower"], SEED)(planes(16)).tasks
    for task in POSITION_TASKS:
        logits = outputs[task.name]
        said = logits.softmax(1) if task.law == "classes" else logits.sigmoid()
        usual = torch.tensor(task.rates)[:, None, None].expand(16, -1, 8, 8)
        torch.testing.assert_close(said, usual, rtol=0.5, atol=0.01, msg=task.name)


def test_a_new_model_says_little_of_any_move_or_side() -> None:
    outputs = new_position_model(PositionModelSpec(POSITION_VARIANTS["tiny"]), SEED)(planes(16))
    assert outputs.value.abs().max() < 0.3
    assert outputs.policy.std() < 0.5


def test_planes_in_scale_or_of_another_shape_are_refused() -> None:
    model = moved(SPECS["tower"])
    with pytest.raises(ValueError, match=r"planes are torch.float32 .*allowed: torch.uint8"):
        model(planes(1).float())
    with pytest.raises(ValueError, match=r"planes are torch.uint8 \(1, 18, 8, 8\)"):
        model(planes(1)[:, :18])


def test_the_counters_are_read_in_the_scale_of_the_others() -> None:
    model = moved(SPECS["tower"])
    boards = planes(1)
    boards[:, 17], boards[:, 18] = 99, 199
    seen = []
    model.trunk.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(boards)
    assert seen[0][0, 17:].amax(dim=(1, 2)).tolist() == pytest.approx([1.0, 1.0, 0.0])


def test_a_move_has_the_logit_of_its_kind_on_its_square() -> None:
    fen = "r3k2r/1P6/8/2pP4/8/5N2/8/R3K2R w KQkq c6 0 1"
    moves = ["b7a8n", "b7b8q", "d5c6", "f3g5", "e1g1", "a1a8"]
    indices, _ = chess_engine.policy_indices([fen], [moves])
    model = moved(SPECS["tower"])
    grid: list[torch.Tensor] = []
    model.policy.out.register_forward_hook(lambda *arguments: grid.append(arguments[-1]))
    logits = model(planes(1)).policy[0]
    for move, index in zip(moves, indices.tolist(), strict=True):
        row, column = 8 - int(move[1]), "abcdefgh".index(move[0])
        assert logits[index] == grid[0][0, index % 73, row, column], move


@pytest.mark.parametrize("name", SPECS)
def test_positions_of_the_engine_are_read_and_every_parameter_learns(name: str) -> None:
    fens = [
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
        "8/8/8/4k3/8/8/4P3/4K3 b - - 7 90",
    ]
    boards = torch.from_numpy(chess_engine.encode_positions(fens, targets=False).planes)
    model = moved(SPECS[name])
    outputs = flat(model(boards, torch.eye(8, dtype=torch.bool).expand(2, 8, 8)))
    weights = torch.Generator().manual_seed(SEED)
    loss = sum((t * torch.randn(t.shape, generator=weights)).sum() for t in outputs.values())
    loss.backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_attention_confined_to_lines_sees_nothing_else(share: float) -> None:
    attention = BoardAttention(channels=16, heads=2, mask_share=share)
    x = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(SEED))
    changed = x.clone()
    changed[0, ::2, 0, 0] += 1.0  # a8: sees its rank, file and diagonal, b6 and c7
    reached = (attention(changed) - attention(x)).abs().amax(dim=(0, 1)) > 1e-6
    seen = torch.zeros(8, 8, dtype=torch.bool)
    seen[0], seen[:, 0], seen[2, 1], seen[1, 2] = True, True, True, True
    seen |= torch.eye(8, dtype=torch.bool)
    assert torch.equal(reached, seen if share else torch.ones_like(seen))


def test_a_share_of_attention_along_lines_is_the_mean_of_both() -> None:
    mixed = BoardAttention(channels=16, heads=2, mask_share=0.8)
    nn.init.normal_(mixed.pair_bias, generator=torch.Generator().manual_seed(SEED))
    x = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(SEED))
    found = mixed(x)
    mixed.mask_share = 1.0
    along_lines = mixed(x)
    mixed.mask_share = 0.0
    expected = 0.8 * along_lines + 0.2 * mixed(x)
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_near_and_its_outputs_are_float32(name: str, dtype: torch.dtype) -> None:
    model, boards = new_position_model(SPECS[name], SEED), planes(4)
    exact = flat(model(boards))
    with torch.autocast("cpu", dtype=dtype):
        found = flat(model(boards))
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    assert_alike(found, exact, atol=0.05)


@pytest.mark.parametrize("name", SPECS)
def test_half_precision_reaches_every_matrix_and_kernel(name: str) -> None:
    model, computed = new_position_model(SPECS[name], SEED), []
    for module in model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            module.register_forward_hook(lambda *step: computed.append(step[2].dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(planes(2))
    assert len(computed) > 20
    assert set(computed) == {torch.bfloat16}


@pytest.mark.parametrize("name", SPECS)
def test_another_memory_layout_computes_the_same(name: str) -> None:
    model, boards = moved(SPECS[name]), planes(3)
    expected = flat(model(boards))
    model.to(memory_format=torch.channels_last)
    assert_alike(flat(model(boards)), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_a_compiled_model_computes_the_same(name: str) -> None:
    shallow = replace(SPECS[name], architecture=TOY._replace(n_layers=1), tasks=("piece",))
    model, boards = moved(replace(shallow, attention_every=1)), planes(4)
    hidden = torch.rand(4, 8, 8, generator=torch.Generator().manual_seed(SEED)) < 0.25
    compiled = torch.compile(model, fullgraph=True)
    assert_alike(flat(compiled(boards, hidden)), flat(model(boards, hidden)), atol=1e-4)
