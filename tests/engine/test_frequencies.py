"""Uniform random play has the statistics of two independent simulations (facts: 94,287 games)."""

import chess_engine as engine
import numpy as np
import pytest

GAMES, REFERENCE = 20_000, 94_287
TERMINATIONS = {
    "stalemate": 0.0631,
    "insufficient_material": 0.6058,
    "seventy_five_moves": 0.0803,
    "fivefold_repetition": 0.0002,
    "ply_limit": 0.0961,
}
OUTCOMES = {"white_checkmates": 0.0765, "black_checkmates": 0.0780}


@pytest.fixture(scope="module")
def games() -> engine.Games:
    return engine.generate_random_games(GAMES, seed=12)


def assert_frequency(count: int, expected: float) -> None:
    """Four standard errors of both samples, plus the rounding of the published figure."""
    error = (expected * (1 - expected) * (1 / GAMES + 1 / REFERENCE)) ** 0.5
    assert abs(count / GAMES - expected) < 4 * error + 5e-5


@pytest.mark.parametrize("name", TERMINATIONS)
def test_games_end_in_the_known_proportions(games: engine.Games, name: str):
    count = int((games.terminations == engine.TERMINATIONS.index(name)).sum())
    assert_frequency(count, TERMINATIONS[name])


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_side_mates_in_the_known_proportion(games: engine.Games, name: str):
    token = engine.export_move_vocabulary().outcomes[name]
    assert_frequency(int((games.outcomes == token).sum()), OUTCOMES[name])


def test_the_mean_length_is_the_known_one(games: engine.Games):
    error = games.lengths.std() / GAMES**0.5
    assert abs(games.lengths.mean() - 350.8) < 4 * error + 0.4


def test_most_games_reach_a_limit_of_256():
    cut = engine.generate_random_games(4000, seed=13, max_ply=256).terminations
    share = (cut == engine.TERMINATIONS.index("ply_limit")).mean()
    assert abs(share - 0.82) < 0.03


def test_the_number_of_choices_is_the_known_one():
    games = engine.generate_random_games(4000, seed=14, legal_moves=True)
    assert games.legal_offsets is not None
    n_legal = np.diff(games.legal_offsets)
    starts = np.concatenate([[0], np.cumsum(games.lengths)[:-1]])
    for statistic, expected, rounding in [
        (1 / n_legal, 0.0842, 0.0002),
        (np.minimum(5, n_legal) / n_legal, 0.3555, 0.0002),
        (n_legal, 22.1, 0.05),
    ]:
        assert_ratio(np.add.reduceat(statistic, starts), games.lengths, expected, rounding)


def test_every_legal_move_is_equally_likely():
    games = engine.generate_random_games(3000, seed=15, legal_moves=True)
    assert games.legal_values is not None
    assert games.legal_offsets is not None
    played = games.tokens[np.arange(512) < games.lengths[:, None]]
    n_legal = np.diff(games.legal_offsets)
    hits = np.flatnonzero(games.legal_values == np.repeat(played, n_legal))
    picks = hits - games.legal_offsets[:-1]
    chi2 = freedom = 0.0
    for n in range(2, 45):
        counts = np.bincount(picks[n_legal == n], minlength=n)
        assert counts.size == n
        chi2 += ((counts - counts.mean()) ** 2 / counts.mean()).sum()
        freedom += n - 1
    assert abs(chi2 - freedom) < 4 * (2 * freedom) ** 0.5


def assert_ratio(sums: np.ndarray, lengths: np.ndarray, expected: float, rounding: float) -> None:
    """A mean over plies, its error over games (plies of one game are not independent)."""
    mean = sums.sum() / lengths.sum()
    error = (sums - mean * lengths).std() / lengths.mean() / len(lengths) ** 0.5
    assert abs(mean - expected) < 4 * error + rounding
