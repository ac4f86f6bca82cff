"""Parts of like length: the same games, less padding."""

from itertools import pairwise

import chess_engine
import numpy as np
import pytest

from pawn_core.data.buckets import cheapest_cuts, split_by_length, split_by_tokens
from pawn_core.data.sequences import Batch


def random_batch(prefixed: bool, count: int = 48) -> Batch:
    layout = "prefixed" if prefixed else "pure"
    sequences = chess_engine.generate_training_batch(count, seed=11, layout=layout, threads=1)
    return Batch.of(sequences)


def games_of(batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Return each game's inputs and targets at its supervised positions."""
    width = batch.tokens_bt.shape[1]
    rows, times = batch.positions_n // width, batch.positions_n % width
    return [
        (batch.tokens_bt[r, times[rows == r]].tolist(), batch.targets_n[rows == r].tolist())
        for r in range(batch.games)
    ]


@pytest.mark.parametrize("prefixed", [False, True])
def test_the_parts_hold_every_game_once_with_little_padding(prefixed: bool) -> None:
    batch = random_batch(prefixed)
    parts = split_by_length(batch)
    assert len(parts) > 1
    assert sorted(games_in(parts)) == sorted(games_of(batch))
    computed = sum(part.tokens_bt.numel() for part in parts)
    needed = len(batch.positions_n)
    assert computed < 1.15 * needed < batch.tokens_bt.numel()


def test_parts_by_tokens_hold_every_game_once_in_even_shares() -> None:
    batch = random_batch(prefixed=True)
    parts = split_by_tokens(batch)
    assert sorted(games_in(parts)) == sorted(games_of(batch))
    tokens = [len(part.positions_n) for part in parts]
    assert len(tokens) == -(-len(batch.positions_n) // 8192) > 1
    assert max(tokens) - min(tokens) <= 2 * 512
    assert split_by_tokens(parts[0]) == [parts[0]]


def games_in(parts: list[Batch]) -> list[tuple[list[int], list[int]]]:
    return [game for part in parts for game in games_of(part)]


def test_games_of_one_length_stay_together() -> None:
    assert cheapest_cuts(np.full(32, 128)) == [0, 32]
    assert cheapest_cuts(np.array([7])) == [0, 1]
    assert cheapest_cuts(np.array([20] * 16 + [500] * 16)) == [0, 16, 32]


def test_the_cuts_are_the_cheapest_there_are() -> None:
    def cost(lengths: list[int], cuts: list[int]) -> float:
        parts = [lengths[a:b] for a, b in pairwise(cuts)]
        return sum(len(p) * max(p) * (1 + max(p) / 1024) + 256 for p in parts)

    for seed in range(20):
        generator = np.random.default_rng(seed)
        lengths = np.sort(generator.integers(1, 300, 9))
        every = ([0, *(i + 1 for i in range(8) if mask >> i & 1), 9] for mask in range(256))
        least = min(cost(lengths.tolist(), cuts) for cuts in every)
        assert cost(lengths.tolist(), cheapest_cuts(lengths)) == pytest.approx(least)
