"""Student's t against closed forms, printed tables and the normal limit."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawn_lab.analysis import student_t

TABLE = {  # two-sided 95 %, one-sided 99.5 % and 80 %, as printed in any table of t
    (0.975, 1): 12.706, (0.975, 2): 4.303, (0.975, 4): 2.776, (0.975, 9): 2.262,
    (0.975, 30): 2.042, (0.975, 120): 1.980, (0.995, 5): 4.032, (0.8, 3): 0.978,
}  # fmt: skip


@pytest.mark.parametrize(("p", "df"), TABLE)
def test_quantiles_are_those_of_the_printed_table(p, df):
    assert student_t.quantile(p, df) == pytest.approx(TABLE[p, df], abs=5e-4)


@given(st.floats(-50, 50))
def test_one_and_two_degrees_have_their_closed_forms(t):
    assert student_t.cdf(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-12)
    assert student_t.cdf(t, 2) == pytest.approx(0.5 + t / (2 * math.sqrt(2 + t * t)), abs=1e-12)


@pytest.mark.parametrize("p", [0.001, 0.2, 0.5, 0.9, 0.975])
def test_many_degrees_are_nearly_normal(p):
    assert student_t.quantile(p, 1e7) == pytest.approx(NormalDist().inv_cdf(p), abs=1e-5)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1.0, 200.0))
def test_a_quantile_is_the_inverse_of_the_distribution_function(p, df):
    assert student_t.cdf(student_t.quantile(p, df), df) == pytest.approx(p, abs=1e-10)


@pytest.mark.parametrize(("p", "df"), [(0.0, 3), (1.0, 3), (0.5, 0.0), (math.nan, 3)])
def test_what_has_no_quantile_is_refused(p, df):
    with pytest.raises(ValueError, match=r"allowed: 0 < p < 1, df > 0"):
        student_t.quantile(p, df)
