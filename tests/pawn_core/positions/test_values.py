"""One convention of values and centipawns: for the side to move, mirrored positions alike."""

import math

import numpy as np
import pytest

from pawn_core.positions.values import (
    MATE_CP,
    centipawns_of_mate,
    for_side_to_move,
    policy_of_centipawns,
    value_of_centipawns,
)
from pawn_core.tasks.analysis.pool import MATE_CP as ANALYSED_MATE_CP

WHITE = "7k/8/8/8/8/8/8/KQ6 w - - 0 1"
BLACK = "kq6/8/8/8/8/8/8/7K b - - 0 1"


def test_a_value_is_twice_the_win_chance_of_lichess_less_one() -> None:
    for cp in (-900, -35, 0, 20, 100, 1500):
        chance = 1 / (1 + math.exp(-0.00368208 * cp))
        assert value_of_centipawns(cp) == pytest.approx(2 * chance - 1, abs=1e-15)


def test_who_is_worse_by_as_much_has_the_negative_value() -> None:
    centipawns = np.arange(-3000, 3001, 8)
    values = value_of_centipawns(centipawns)
    assert (values == -values[::-1]).all()
    assert (np.diff(values) > 0).all()


def test_mates_are_worth_one_to_the_last_bit() -> None:
    assert value_of_centipawns(centipawns_of_mate(30)) == 1.0
    assert value_of_centipawns(centipawns_of_mate(-1)) == -1.0
    assert MATE_CP == ANALYSED_MATE_CP


def test_a_nearer_mate_is_worth_more_and_being_mated_later_too() -> None:
    mates = [centipawns_of_mate(n) for n in (1, 2, 9, -9, -2, -1)]
    assert mates == sorted(mates, reverse=True)
    assert mates == [-m for m in mates[::-1]]


def test_whites_number_changes_its_sign_for_black() -> None:
    assert for_side_to_move(0.25, WHITE) == 0.25
    assert for_side_to_move(0.25, BLACK) == -0.25


def test_shares_of_moves_fall_by_e_for_every_pawn_and_sum_to_one() -> None:
    shares = policy_of_centipawns([50, -50, -150])
    assert shares.sum() == pytest.approx(1)
    assert shares[:-1] / shares[1:] == pytest.approx([math.e, math.e])


def test_a_mate_leaves_no_share_to_anything_else() -> None:
    shares = policy_of_centipawns([centipawns_of_mate(3), 900, centipawns_of_mate(-2)])
    assert shares.tolist() == [1.0, 0.0, 0.0]
