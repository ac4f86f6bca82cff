"""Games come once an epoch, in an order that any stretch of the list agrees on."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pawn_core.data.epochs import EpochOrder


def test_each_epoch_is_a_permutation_of_its_own() -> None:
    order = EpochOrder(50, seed=3)
    epochs = [tuple(order.games_at(50 * epoch, 50)) for epoch in range(4)]
    assert all(sorted(epoch) == list(range(50)) for epoch in epochs)
    assert len(set(epochs)) == 4
    assert tuple(EpochOrder(50, seed=4).games_at(0, 50)) not in epochs


@pytest.mark.parametrize("size", [1, 7, 50, 120])
def test_stretches_of_any_size_make_the_same_list(size: int) -> None:
    whole = EpochOrder(50, seed=3).games_at(0, 240)
    order = EpochOrder(50, seed=3)
    parts = [order.games_at(first, size) for first in range(0, 240, size)]
    assert np.concatenate(parts)[:240].tolist() == whole.tolist()


def test_a_place_is_the_same_whoever_asked_for_others_before() -> None:
    order, whole = EpochOrder(10, seed=0), EpochOrder(10, seed=0).games_at(0, 100)
    with ThreadPoolExecutor(4) as pool:
        firsts = [60, 0, 95, 30, 5, 61, 12]
        parts = pool.map(lambda first: order.games_at(first, 5), firsts)
        for first, part in zip(firsts, parts, strict=True):
            assert part.tolist() == whole[first : first + 5].tolist()
