"""The stream of batches: addressed, the same for any number of workers."""

import threading

import pytest
import torch
from tiny import setup_of

from pawn_core.config import parse_config
from pawn_core.data.games import training_games, validation_games
from pawn_core.data.stream import Stream
from pawn_core.runtime import Runtime
from pawn_core.training.pretrain import PretrainTask


def task(raw, **changes) -> PretrainTask:
    runtime = Runtime(torch.device("cpu"), None, compiled=False)
    config = parse_config(raw | changes)
    return PretrainTask(config, setup_of(config, runtime))


def rows(source, first: int, count: int) -> list[bytes]:
    return [row.tobytes() for row in source.sequences(first, count, width=40).inputs]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_stream_is_the_same_for_any_number_of_workers(tiny, workers: int) -> None:
    make = task(tiny).make_batch
    stream = Stream(make, 2, workers)
    for index in range(2, 9):
        (batch,), (expected,) = next(stream), make(index)
        assert torch.equal(batch.tokens_bt, expected.tokens_bt)
        assert torch.equal(batch.targets_n, expected.targets_n)
        assert stream.cursor == index + 1
    stream.close()


def test_batches_are_prepared_while_the_consumer_is_busy() -> None:
    ready = threading.Event()
    stream = Stream(lambda index: ready.set() if index == 1 else None, 0, 1)
    next(stream)
    assert ready.wait(10)
    stream.close()


def test_a_failure_in_a_worker_reaches_the_consumer() -> None:
    def fail(index: int) -> int:
        raise RuntimeError(f"batch {index}")

    stream = Stream(fail, 3, 2)
    with pytest.raises(RuntimeError, match="batch 3"):
        next(stream)
    stream.close()


def test_no_game_is_in_two_batches_nor_in_another_seed_nor_in_validation(tiny) -> None:
    config = parse_config(tiny | {"max_seq_len": 40})
    train = training_games(config)
    other = training_games(parse_config(tiny | {"max_seq_len": 40, "seed": 1}))
    sources = [rows(train, k * 64, 64) for k in range(8)]
    sources += [rows(other, k * 64, 64) for k in range(8)]
    sources.append(rows(validation_games(config), 0, 512))
    games = [row for source in sources for row in source]
    assert len(set(games)) == len(games)


def test_batch_k_is_the_games_from_k_times_the_batch_size(tiny) -> None:
    config = parse_config(tiny)
    (batch,) = task(tiny).make_batch(3)
    assert batch.tokens_bt.tolist() == training_games(config).sequences(12, 4).inputs.tolist()


def test_micro_batches_share_the_games_of_the_step(tiny) -> None:
    (whole,) = task(tiny).make_batch(5)
    parts = task(tiny, accumulation_steps=4).make_batch(5)
    assert [part.games for part in parts] == [1, 1, 1, 1]
    assert torch.cat([p.targets_n for p in parts]).tolist() == whole.targets_n.tolist()
