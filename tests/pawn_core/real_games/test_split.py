"""Which games train and which are held out, whatever repeats among them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pawn_core.real_games.reading.split import WantedGames, contained, split

DIGESTS = st.lists(st.integers(0, 12), max_size=40).map(lambda ds: np.array(ds, np.uint64))
NUMBERS = st.integers(0, 15)


@given(DIGESTS, st.none() | NUMBERS, NUMBERS)
def test_the_first_train_and_no_held_out_game_is_one_of_them(
    digests_g: NDArray[np.uint64], max_games: int | None, val_games: int
) -> None:
    parts = split(digests_g, max_games, val_games)
    train, held_out = digests_g[: parts.train_games], digests_g[parts.held_out]
    most = len(digests_g) if max_games is None else max_games
    assert parts.train_games == min(most, max(len(digests_g) - val_games, 0))
    assert not {*train.tolist()} & {*held_out.tolist()}
    assert len(held_out) <= val_games
    assert (np.diff(parts.held_out) > 0).all()
    assert parts.duplicates == len(train) - len({*train.tolist()})


@given(DIGESTS, NUMBERS, NUMBERS, st.integers(1, 5))
def test_reading_ends_as_soon_as_there_are_enough(
    digests_g: NDArray[np.uint64], max_games: int, val_games: int, at_once: int
) -> None:
    """What was read then gives the split of all that there is to read."""
    wanted, read = WantedGames(max_games, val_games), 0
    while read < len(digests_g) and not wanted.enough:
        wanted.add(digests_g[read : read + at_once])
        read += at_once
    whole, early = (split(ds, max_games, val_games) for ds in (digests_g, digests_g[:read]))
    assert early.train_games == whole.train_games
    assert early.held_out.tolist() == whole.held_out.tolist()
    assert early.in_training == whole.in_training
    if wanted.enough:
        assert len(whole.held_out) == val_games


@given(DIGESTS, DIGESTS)
def test_membership_is_that_of_sets(some_g: NDArray[np.uint64], others: NDArray[np.uint64]) -> None:
    expected = [digest in others.tolist() for digest in some_g.tolist()]
    assert contained(some_g, np.unique(others)).tolist() == expected
