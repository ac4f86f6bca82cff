"""What a batch of positions holds, however it is made."""

import random
from dataclasses import fields
from pathlib import Path

import chess_engine
import numpy as np
import pytest
import torch
from torch import Tensor
from written_positions import START, write_positions

from pawn_core.data.shares import Share
from pawn_core.data.stream import Stream
from pawn_core.positions import (
    Augmentation,
    LabelledPosition,
    MixturePlan,
    MixtureStage,
    PositionBatch,
    PositionLibrary,
    PositionStream,
    ShardWriter,
    held_out_batches,
)

SEED = 11
BATCH = 24
ALL = Augmentation(mirror=0.5, colour_flip=0.5, hidden_squares=16, hidden_share=0.5)
STAGES = [MixtureStage(0, {"openings": 0.5, "tactical": 0.5})]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> PositionLibrary:
    """Positions of three sources."""
    return PositionLibrary.open(write_positions(tmp_path_factory.mktemp("positions"), games=8))


def stream(
    library: PositionLibrary,
    augmentation: Augmentation = ALL,
    share: Share = Share(BATCH, 0, 1, BATCH),  # noqa: B008
    seed: int = SEED,
) -> PositionStream:
    plan = MixturePlan(STAGES, library.train.rows_by_domain, seed)
    return PositionStream(library.train, plan, augmentation, seed, share, threads=1)


def equal(one: Tensor, other: Tensor) -> bool:
    """Whether both are the same, NaN at the same places."""
    return torch.equal(one.nan_to_num(9), other.nan_to_num(9))


def same(one: PositionBatch, other: PositionBatch) -> bool:
    pairs = zip(one.tensors(), other.tensors(), strict=True)
    return one.counts == other.counts and all(equal(*pair) for pair in pairs)


def moves_of(rows: Tensor, indices: Tensor) -> set[tuple[int, int]]:
    return set(zip(rows.tolist(), indices.tolist(), strict=True))


def joined(batches: list[PositionBatch]) -> dict[str, Tensor]:
    """What batches hold side by side."""
    starts = np.cumsum([0, *(batch.units for batch in batches)]).tolist()[:-1]
    names = {f.name for f in fields(PositionBatch)} - {"targets", "counts", "games"}
    tensors = {name: torch.cat([getattr(batch, name) for batch in batches]) for name in names}
    for name in ("legal_rows", "policy_rows"):
        rows = [getattr(batch, name) + s for batch, s in zip(batches, starts, strict=True)]
        tensors[name] = torch.cat(rows)
    return tensors


def test_a_batch_is_what_the_engine_makes_of_the_positions_with_their_labels(library) -> None:
    [batch] = stream(library, Augmentation()).step(3)
    rows = MixturePlan(STAGES, library.train.rows_by_domain, SEED).draw(3 * BATCH, BATCH)
    columns = library.train.columns.take(rows)
    encoded = chess_engine.encode_positions(columns.fens())
    assert np.array_equal(batch.planes.numpy(), encoded.planes)
    assert np.array_equal(batch.legal_indices.numpy(), encoded.legal_moves)
    counts = np.diff(encoded.legal_offsets)
    assert np.array_equal(batch.legal_rows.numpy(), np.repeat(np.arange(BATCH), counts))
    for task in chess_engine.POSITION_TASKS:
        assert np.array_equal(batch.targets[task].numpy(), encoded.target(task))
    assert np.array_equal(batch.policy_indices.numpy(), columns.policy_indices_e)
    assert np.array_equal(batch.value_n.numpy(), columns.values_n, equal_nan=True)
    assert np.array_equal(batch.game_n.numpy(), columns.games_n)
    assert batch.source_n.tolist() == library.train.sources_n[rows].tolist()
    assert not batch.piece_mask.any()
    assert batch.units == BATCH
    assert batch.games == len(set(columns.games_n.tolist()))


def test_planes_and_targets_are_bytes_as_the_engine_makes_them(library) -> None:
    [batch] = stream(library).step(0)
    assert batch.planes.dtype == torch.uint8
    assert batch.planes.shape == (BATCH, 19, 8, 8)
    assert {target.dtype for target in batch.targets.values()} == {torch.uint8}
    assert batch.targets["pawn_structure"].shape == (BATCH, 8, 8, 8)
    assert batch.policy_probs.dtype == batch.value_n.dtype == torch.float32


def test_an_augmented_position_keeps_its_labels_and_its_moves_stay_the_same_moves(library) -> None:
    [batch] = stream(library, share=Share(200, 0, 1, 200)).step(0)
    rows = MixturePlan(STAGES, library.train.rows_by_domain, SEED).draw(0, 200)
    columns = library.train.columns.take(rows)
    kinds = ALL.kinds(SEED, np.arange(200))
    kinds = np.where(chess_engine.may_mirror(columns.fens()), kinds, kinds & 2)
    assert len(set(kinds.tolist())) == 4
    fens = chess_engine.transform_fens(columns.fens(), kinds)
    assert np.array_equal(batch.planes.numpy(), chess_engine.encode_positions(fens).planes)
    assert np.array_equal(batch.value_n.numpy(), columns.values_n, equal_nan=True)
    policy = moves_of(batch.policy_rows, batch.policy_indices)
    assert policy <= moves_of(batch.legal_rows, batch.legal_indices)
    back = chess_engine.POLICY_TRANSFORMS[kinds[batch.policy_rows], batch.policy_indices]
    assert np.array_equal(back, columns.policy_indices_e)  # each kind undoes itself


def test_augmentation_reaches_about_the_asked_share_of_positions() -> None:
    kinds = Augmentation(mirror=0.5, colour_flip=0.25).kinds(SEED, np.arange(10_000))
    assert abs((kinds & 1 > 0).mean() - 0.5) < 0.025  # 5 standard deviations
    assert abs((kinds & 2 > 0).mean() - 0.25) < 0.022
    assert abs((kinds == 3).mean() - 0.125) < 0.017
    assert not Augmentation().kinds(SEED, np.arange(100)).any()


def test_a_position_with_castling_rights_is_never_mirrored(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "teacher", None, 0.0) as writer:
        writer.add(LabelledPosition(START, "one"))
        writer.commit()
    side = PositionLibrary.open(tmp_path).train
    plan = MixturePlan([MixtureStage(0, {"teacher": 1.0})], side.rows_by_domain, SEED)
    always = PositionStream(side, plan, Augmentation(mirror=1.0), SEED, Share(4, 0, 1, 4))
    [batch] = always.step(0)
    as_it_is = chess_engine.encode_positions([START] * 4).planes
    assert np.array_equal(batch.planes.numpy(), as_it_is)


def test_positions_with_hidden_squares_have_the_same_number_of_them() -> None:
    hidden = ALL.hidden(SEED, np.arange(4000))
    assert set(hidden.sum(axis=(1, 2)).tolist()) == {0, 16}
    assert abs(hidden.any(axis=(1, 2)).mean() - 0.5) < 0.04  # 5 standard deviations
    assert hidden.mean(axis=0).min() > 0.08  # 1/8 expected of each square
    assert len(np.unique(hidden.reshape(4000, 64), axis=0)) > 1900


@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("micro_batches", [1, 3])
def test_parts_of_all_processes_are_the_step(library, processes: int, micro_batches: int) -> None:
    [whole] = stream(library).step(7)
    size = BATCH // processes // micro_batches
    shares = [
        Share(BATCH, rank * BATCH // processes, micro_batches, size) for rank in range(processes)
    ]
    parts = [part for share in shares for part in stream(library, share=share).step(7)]
    assert {len(part.value_n) for part in parts} == {size}
    assert all(part.counts == whole.counts for part in parts)
    for name, tensor in joined(parts).items():
        assert equal(tensor, getattr(whole, name)), name


def test_counts_are_of_the_labelled_positions_of_the_step(library) -> None:
    [batch] = stream(library).step(0)
    assert batch.counts == {
        "positions": BATCH,
        "policy": len(batch.policy_rows.unique()),
        "value": int((~batch.value_n.isnan()).sum()),
        "piece": int(batch.piece_mask.any(dim=(1, 2)).sum()),
    }
    assert 0 < batch.counts["policy"] < BATCH
    assert 0 < batch.counts["value"] < BATCH


def test_shares_of_each_labelled_position_sum_to_one(library) -> None:
    [batch] = stream(library).step(0)
    sums = torch.zeros(BATCH).index_add(0, batch.policy_rows, batch.policy_probs)
    assert torch.allclose(sums[batch.policy_rows.unique()], torch.ones(1))


def test_steps_are_the_same_from_any_thread_in_any_order(library) -> None:
    expected = [stream(library).step(index)[0] for index in range(6)]
    shared = stream(library)
    order = random.Random(SEED).sample(range(6), 6)
    assert all(same(shared.step(index)[0], expected[index]) for index in order)
    ahead = Stream(stream(library).step, 2, workers=3)
    assert all(same(next(ahead)[0], expected[index]) for index in range(2, 6))
    ahead.close()


def test_a_batch_is_of_about_as_many_games_as_if_each_position_were_drawn_alone(library) -> None:
    games = len(np.unique(library.train.columns.games_n[library.train.sources_n > 0]))
    expected = games * (1 - (1 - 1 / games) ** BATCH)
    drawn = [stream(library).step(index)[0].games for index in range(10)]
    assert np.mean(drawn) > 0.85 * expected


def test_another_seed_makes_other_batches(library) -> None:
    [one], [other] = stream(library).step(0), stream(library, seed=SEED + 1).step(0)
    assert not torch.equal(one.planes, other.planes)
    assert not torch.equal(one.piece_mask, other.piece_mask)


@pytest.mark.parametrize("size", [7, 32])
def test_held_out_positions_come_as_they_are_and_hidden_alike_in_any_size(library, size) -> None:
    rows = library.val.sample(30)
    batches = [*held_out_batches(library.val, rows, size, 16, SEED)]
    [whole] = held_out_batches(library.val, rows, 30, 16, SEED)
    fens = library.val.columns.take(rows).fens()
    assert np.array_equal(whole.planes.numpy(), chess_engine.encode_positions(fens).planes)
    assert (whole.piece_mask.sum(dim=(1, 2)) == 16).all()
    for name, tensor in joined(batches).items():
        assert equal(tensor, getattr(whole, name)), name
    assert all(batch.counts == whole.counts for batch in batches)
