"""Packed rows: the same games, almost no padding, the same gradients."""

from functools import partial

import chess_engine
import numpy as np
import pytest
import torch
from flash_on_cpu import flash_on_cpu
from tiny import setup_of
from torch._dynamo.utils import counters

from pawn_core.attention.masks import dense_mask
from pawn_core.config import parse_config
from pawn_core.data import packing
from pawn_core.data.packing import Packer, cheapest_row_counts, first_fit, part_rows, row_tokens
from pawn_core.data.sequences import Batch
from pawn_core.model.attention import Packed
from pawn_core.runtime import Runtime
from pawn_core.training.objective import build_objective
from pawn_core.training.pretrain import PretrainTask

CPU = Runtime(torch.device("cpu"), None, compiled=False)
PAD = chess_engine.export_move_vocabulary("searchless").pad


def task(raw, **fields) -> PretrainTask:
    config = parse_config(raw | fields)
    return PretrainTask(config, setup_of(config, CPU))


def random_batch(layout: str, count: int) -> Batch:
    return Batch.of(chess_engine.generate_training_batch(count, seed=11, layout=layout, threads=1))


def games_of(batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Return each game's inputs and targets at its supervised positions."""
    width = batch.tokens_bt.shape[1]
    ids_bt = batch.rows.games_bt if batch.rows else torch.zeros_like(batch.tokens_bt)
    rows_n = batch.positions_n // width
    games_n = rows_n * width + ids_bt.flatten()[batch.positions_n]
    inputs_n = batch.tokens_bt.flatten()[batch.positions_n]
    return [
        (inputs_n[games_n == game].tolist(), batch.targets_n[games_n == game].tolist())
        for game in games_n.unique()
    ]


@pytest.mark.parametrize("layout", ["pure", "prefixed"])
@pytest.mark.parametrize("row_counts", [(1, 2), (5,), (40,)])
def test_every_game_is_in_one_row_once_and_whole_whatever_the_overflow(layout, row_counts) -> None:
    batch = random_batch(layout, 48)
    parts = Packer(1024, row_counts, PAD, 512)(batch)
    assert {len(part.tokens_bt) for part in parts} <= set(row_counts)
    assert (len(parts) == 1) == (row_counts == (40,))
    assert sorted(g for part in parts for g in games_of(part)) == sorted(games_of(batch))
    assert sum(part.games for part in parts) == batch.games
    assert sum(part.attended_pairs for part in parts) == batch.attended_pairs
    for part in parts:
        assert part.rows
        unsupervised = torch.ones(part.tokens_bt.numel(), dtype=torch.bool)
        unsupervised[part.positions_n] = False
        assert (part.tokens_bt.flatten()[unsupervised] == PAD).all()
        begins = part.rows.times_bt.flatten()[part.positions_n] == 0
        assert begins.sum() == part.games


def test_padding_of_a_published_step_is_under_three_percent() -> None:
    raw = {"variant": "toy", "device": "cpu", "local_checkpoints": True, "batching": "packed"}
    packed = task(raw, batch_size=256)
    parts = [part for index in range(100, 108) for part in packed.make_batch(index)]
    assert len({part.tokens_bt.shape for part in parts}) <= 2
    needed = sum(len(part.positions_n) for part in parts)
    assert 1 - needed / sum(part.tokens_bt.numel() for part in parts) < 0.03


def test_a_batch_is_the_same_rows_in_every_run_of_the_config(tiny) -> None:
    one, other = (task(tiny, batching="packed", max_seq_len=90, batch_size=16) for _ in range(2))
    other.make_batch(0)
    for part, same in zip(one.make_batch(5), other.make_batch(5), strict=True):
        pairs = zip(part.tensors(), same.tensors(), strict=True)
        assert all(torch.equal(found, expected) for found, expected in pairs)


def test_games_go_longest_first_into_the_first_row_with_room() -> None:
    rows, offsets = first_fit(np.array([2, 7, 3, 5, 4]), 10)
    assert rows.tolist() == [2, 0, 0, 1, 1]
    assert offsets.tolist() == [0, 0, 7, 0, 5]
    assert row_tokens(512) == 2048
    assert row_tokens(24) == 128


def test_a_part_is_as_small_as_holds_the_rest_and_the_counts_waste_least() -> None:
    assert part_rows(3, (3, 5)) == [3]
    assert part_rows(4, (3, 5)) == [5]
    assert part_rows(9, (3, 5)) == [5, 5]
    assert part_rows(11, (3, 5)) == [5, 5, 3]
    assert cheapest_row_counts([7, 7]) == (7,)
    assert cheapest_row_counts([4] * 9 + [6]) == (4, 6)
    assert cheapest_row_counts([4, 5, 5, 5]) == (4, 5)


@pytest.mark.parametrize(("row_counts", "longest"), [((1, 2), 512), ((40,), 512), ((5,), 700)])
def test_sequences_are_the_games_and_what_is_between_them_in_pieces_no_longer(
    row_counts, longest: int
) -> None:
    batch = random_batch("pure", 48)
    parts = Packer(1024, row_counts, PAD, longest)(batch)
    for part in parts:
        assert part.rows
        lengths_r, tokens = part.rows.begins_r.diff(), part.tokens_bt.numel()
        assert part.rows.begins_r[0] == 0
        assert part.rows.begins_r[-1] == tokens
        assert lengths_r.min() >= 1
        assert lengths_r.max() <= longest == part.rows.longest
        begins, times = part.rows.begins_r[:-1], part.rows.times_bt.flatten()
        supervised = torch.zeros(tokens, dtype=torch.bool)
        supervised[part.positions_n] = True
        first = supervised & (times == 0)
        assert torch.equal(begins[supervised[begins]], first.nonzero().flatten().int())


def test_sequences_are_whole_and_no_piece_of_padding_is_empty_or_too_long() -> None:
    seed = int(np.random.default_rng().integers(2**31))
    print(f"seed {seed}")
    random = np.random.default_rng(seed)
    for _ in range(300):
        longest = int(random.integers(1, 40))
        width = row_tokens(longest)
        lengths_g = random.integers(1, longest + 1, random.integers(1, 60))
        rows_g, offsets_g = first_fit(lengths_g, width)
        shape = (int(rows_g.max()) + 1 + int(random.integers(3)), width)
        begins_g = rows_g * width + offsets_g
        begins_r = packing._sequences(begins_g, lengths_g, 60, shape, longest)
        assert begins_r[0] == 0
        assert begins_r[-1] == shape[0] * width
        assert np.diff(begins_r).min() >= 1
        assert np.diff(begins_r).max() <= longest
        assert set(begins_g) | set(begins_g + lengths_g) <= set(begins_r)
        assert len(begins_r) <= 61 + shape[0] + max(8, shape[0] * width // longest)


@pytest.mark.parametrize("batch_size", [8, 256])
def test_batches_of_a_run_have_one_number_of_sequences_a_shape(batch_size: int) -> None:
    raw = {"variant": "toy", "device": "cpu", "local_checkpoints": True, "batching": "packed"}
    packed = task(raw, batch_size=batch_size)
    parts = [part for index in range(4) for part in packed.make_batch(index)]
    shapes = {(part.tokens_bt.shape, part.rows.begins_r.shape) for part in parts if part.rows}
    assert len(shapes) == len({part.tokens_bt.shape for part in parts})
    for part in parts:
        assert len(part.rows.begins_r) == 1 + batch_size + len(part.tokens_bt) + 8


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"targets": "sampled"}, 1),
        ({"targets": "legal", "mate_boost": 0.5, "accumulation_steps": 3}, 3),
        ({"prepend_outcome": True}, 1),
        ({"vocabulary": "coordinate"}, 1),
        ({"vocabulary": "coordinate", "no_outcome_token": True, "targets": "legal"}, 1),
    ],
)
def test_loss_and_gradients_are_those_of_padded_and_bucketed_batches(tiny, fields, parts) -> None:
    raw = tiny | {"max_seq_len": 400, "batch_size": 12} | fields
    results = {}
    for batching in ("padded", "bucketed", "packed"):
        made = task(raw, batching=batching)
        batches = made.make_batch(0)
        loss = sum(made.loss_sums(batch)["loss"] for batch in batches)
        gradients = torch.autograd.grad(loss, list(made.model.parameters()), allow_unused=True)
        results[batching] = (loss.item(), [g for g in gradients if g is not None], len(batches))
    expected_loss, expected, _ = results["padded"]
    for batching in ("bucketed", "packed"):
        loss, gradients, count = results[batching]
        assert count > 1 if batching == "bucketed" else count == parts
        assert loss == pytest.approx(expected_loss, rel=1e-6)
        for found, gradient in zip(gradients, expected, strict=True):
            atol = 1e-5 * float(gradient.abs().max())
            np.testing.assert_allclose(found, gradient, rtol=1e-4, atol=atol)


@pytest.mark.parametrize(
    ("attention", "backend", "targets"),
    [
        ("flash", None, "legal"),
        ("varlen", "aot_eager", "sampled"),
        pytest.param("varlen", "inductor", "sampled", marks=pytest.mark.slow),
    ],
)
def test_steps_by_fused_attention_are_those_of_a_cpu_and_compiled_once(
    tiny, monkeypatch, attention: str, backend: str | None, targets: str
) -> None:
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    fields = {"max_seq_len": 120, "batch_size": 12, "d_model": 32, "targets": targets}
    made = task(tiny | fields, batching="packed")
    on_gpu = Runtime(torch.device("cuda"), torch.bfloat16, bool(backend), attention=attention)
    objective = build_objective(made.model, on_gpu, fixed_shapes=True)
    weights, graphs = list(made.model.parameters()), []
    with flash_on_cpu() as calls:
        for index in range(3):
            (part,) = made.make_batch(index)
            losses = objective(part), made.loss_sums(part)["loss"]
            found, expected = (torch.autograd.grad(loss, weights) for loss in losses)
            torch.testing.assert_close(*losses, rtol=1e-6, atol=0)
            for ours, theirs in zip(found, expected, strict=True):
                atol = 1e-5 * float(theirs.abs().max())
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=atol)
            graphs.append(counters["stats"]["unique_graphs"])
    assert len(calls) == 3
    assert graphs[0] == graphs[2]
    assert not counters["graph_break"]


def test_a_game_does_not_see_its_neighbours(tiny) -> None:
    made = task(tiny, batching="packed", max_seq_len=200, batch_size=24)
    (part,) = made.make_batch(0)
    assert part.rows
    packed = Packed(part.rows.times_bt, dense_mask(part.rows.games_bt))
    second = part.rows.games_bt == 1
    others = part.tokens_bt.clone()
    others[~second] = others[~second].roll(7)
    with torch.no_grad():
        hidden = made.model.forward_hidden(part.tokens_bt, packed)
        changed = made.model.forward_hidden(others, packed)
    assert torch.equal(hidden[second], changed[second])
    assert not torch.isclose(hidden[~second], changed[~second]).all()
