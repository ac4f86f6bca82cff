"""Intervals of what is said of positions are over games: positions of one game go together."""

import numpy as np
import pytest
import torch
from position_labels import MOVES, batch_of

from pawn_core.evaluation.intervals import over_games
from pawn_core.evaluation.positions.scorecard import figures_of
from pawn_core.multitask import MultitaskTally
from pawn_core.position_model import Outputs


def tally_of(right_n: np.ndarray, games_n: np.ndarray) -> MultitaskTally:
    """Return positions whose best move is found, or is not."""
    batch = batch_of([[1, 2]] * len(right_n), [{1: 1.0}] * len(right_n), games=games_n.tolist())
    policy = torch.zeros(len(right_n), MOVES)
    policy[:, 1] = torch.from_numpy(np.where(right_n, 1.0, -1.0))
    tally = MultitaskTally(("external:pgn",))
    tally.add(Outputs(policy, torch.zeros(len(right_n)), None, {}), batch)
    return tally


def top1(tally: MultitaskTally):
    (figure,) = (figure for figure in figures_of(tally) if figure.name == "policy_top1")
    return figure


def test_more_positions_of_the_same_games_make_no_interval_narrower() -> None:
    right_g = np.arange(12) % 3 == 0
    once = top1(tally_of(right_g, np.arange(12)))
    often = top1(tally_of(right_g.repeat(20), np.arange(12).repeat(20)))
    apart = top1(tally_of(right_g.repeat(20), np.arange(240)))
    assert (often.value, often.low, often.high) == (once.value, once.low, once.high)
    assert (often.low, often.high) == over_games(right_g * 20, np.full(12, 20))
    assert often.n == 240
    assert apart.high - apart.low < 0.5 * (often.high - often.low)


@pytest.mark.parametrize("right", [True, False])
def test_a_share_that_is_all_or_none_has_an_interval_still(right: bool) -> None:
    figure = top1(tally_of(np.full(40, right), np.arange(40).repeat(1)))
    assert figure.value == float(right)
    assert figure.high - figure.low > 0.05


def test_figures_without_labels_have_no_value() -> None:
    tally = tally_of(np.array([True, False]), np.arange(2))
    by_name = {figure.name: figure for figure in figures_of(tally)}
    assert by_name["value_mse"].value is None
    assert by_name["value_mse"].n == 0
    assert by_name["val_loss"].value == by_name["policy_loss"].value
