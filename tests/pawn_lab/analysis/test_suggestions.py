"""The next rate lies beyond the edge where the best is at one, else inside its bracket."""

import pytest

from pawn_lab.analysis.suggestions import next_rate


@pytest.mark.parametrize(
    ("tried", "rate", "why"),
    [
        ([(1e-4, 2.0), (3e-4, 2.5), (1e-3, 3.0)], 1e-4 / 3, "lowest tried"),
        ([(1e-4, 3.0), (3e-4, 2.5), (9e-4, 2.0)], 2.7e-3, "highest tried"),
        ([(1e-4, 3.0), (1e-2, 2.0)], 3e-2, "highest tried"),
        ([(1e-4, 3.0), (4e-4, 2.0), (1.6e-3, 2.5)], 8e-4, "between 0.0001 and 0.0016"),
        ([(1e-4, 3.0), (4e-4, 2.0), (1.6e-3, float("inf"))], 2e-4, "0.0001 is the next best"),
    ],
)
def test_the_next_rate_is_where_the_best_could_be(tried, rate, why):
    found, reason = next_rate(tried)
    assert found == pytest.approx(rate)
    assert why in reason


def test_a_bracket_that_is_narrow_enough_needs_no_further_rate():
    found, reason = next_rate([(2.5e-4, 2.1), (3e-4, 2.0), (4e-4, 2.1)])
    assert found is None
    assert "close enough" in reason
