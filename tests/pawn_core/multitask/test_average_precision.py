"""Average precision of squares that are yes or no, by its definition."""

import numpy as np
import pytest

from pawn_core.multitask.average_precision import Ranking


def by_definition(scores, positive, weights) -> float:
    """Return the sum over thresholds of precision times the rise of recall, term by term."""
    whole, before, total = (weights * positive).sum(), 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        above = scores >= threshold
        recall = (weights * positive)[above].sum() / whole
        if weights[above].sum():
            precision = (weights * positive)[above].sum() / weights[above].sum()
            total, before = total + (recall - before) * precision, recall
    return total


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_area_by_the_definition_with_equal_scores_and_weights(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, 12, 200).astype(np.float32)
    positive, owners = random.random(200) < 0.1, random.integers(0, 20, 200)
    weights = random.integers(0, 3, 20).astype(np.float64)
    ranking = Ranking.of(scores, positive, owners)
    expected = by_definition(scores, positive, np.ones(200))
    assert ranking.average_precision() == pytest.approx(expected, abs=1e-12), seed
    expected = by_definition(scores, positive, weights[owners])
    assert ranking.average_precision(weights) == pytest.approx(expected, abs=1e-12), seed


def test_a_perfect_ranking_has_all_and_scores_that_say_nothing_the_rate() -> None:
    positive = np.arange(1000) < 30
    owners = np.zeros(1000, dtype=np.int64)
    assert Ranking.of(positive.astype(np.float32), positive, owners).average_precision() == 1.0
    same = Ranking.of(np.zeros(1000, dtype=np.float32), positive, owners)
    assert same.average_precision() == pytest.approx(0.03)


def test_a_task_without_a_positive_square_has_none() -> None:
    nothing = np.zeros(10, dtype=np.bool_)
    ranking = Ranking.of(np.zeros(10, dtype=np.float32), nothing, np.zeros(10, dtype=np.int64))
    assert np.isnan(ranking.average_precision())
    empty = Ranking.of(np.zeros(0, dtype=np.float32), nothing[:0], np.zeros(0, dtype=np.int64))
    assert np.isnan(empty.average_precision())
