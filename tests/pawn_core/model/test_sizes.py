"""Sizes of products are few, and little more than what is asked for."""

from pawn_core.model.sizes import rounded


def test_sizes_of_each_doubling_are_as_many_as_asked_for_and_a_part_is_added_at_most() -> None:
    for steps in (4, 8, 32):
        sizes = {n: rounded(n, steps) for n in range(5_000)}
        assert all(n <= size <= n * (1 + 1 / steps) for n, size in sizes.items())
        assert len({rounded(n, steps) for n in range(2_049, 4_097)}) == steps


def test_small_numbers_stay_as_they_are() -> None:
    assert [rounded(n) for n in range(64)] == list(range(64))
