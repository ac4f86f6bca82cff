"""Student's t distribution, with degrees of freedom that need not be whole (Welch).

The distribution function is a regularized incomplete beta function, evaluated by its continued
fraction (NIST DLMF 8.17.22) with the modified Lentz algorithm.
"""

import functools
import math
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-15
_PRECISION_OF_T = 1e-11
_MOST_TERMS = 10_000


def cdf(t: float, df: float) -> float:
    """Return P(T <= t) for `df` > 0 degrees of freedom."""
    total = df + t * t
    tail = 0.5 * _incomplete_beta(df / total, t * t / total, 0.5 * df, 0.5)
    return 1.0 - tail if t > 0 else tail


@functools.lru_cache(1024)
def quantile(p: float, df: float) -> float:
    """Return t with P(T <= t) = p, for 0 < p < 1.

    Raises:
        ValueError: p or df is out of range.
    """
    if not (0.0 < p < 1.0 and df > 0.0):
        raise ValueError(f"quantile of p {p}, df {df}; allowed: 0 < p < 1, df > 0")
    if p < 0.5:
        return -quantile(1.0 - p, df)
    # The distribution function is concave right of 0 and below the normal one: Newton's method
    # rises from the normal quantile without passing the root.
    t, step = NormalDist().inv_cdf(p), math.inf
    while step > _PRECISION_OF_T * t:
        step = (p - cdf(t, df)) / _density(t, df)
        t += step
    return t


def _density(t: float, df: float) -> float:
    log_peak = math.lgamma(0.5 * (df + 1.0)) - math.lgamma(0.5 * df) - 0.5 * math.log(math.pi * df)
    return math.exp(log_peak - 0.5 * (df + 1.0) * math.log1p(t * t / df))


def _incomplete_beta(x: float, y: float, a: float, b: float) -> float:
    """Return I_x(a, b) for 0 <= x <= 1 and y = 1 - x, which is given so that no digit is lost."""
    if x == 0.0 or y == 0.0:
        return float(y == 0.0)
    if x > (a + 1.0) / (a + b + 2.0):  # where the fraction converges slowly
        return 1.0 - _incomplete_beta(y, x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log_front += a * math.log(x) + b * math.log(y)
    return math.exp(log_front) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Return 1 + d1/(1 + d2/(1 + ...))."""
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, _MOST_TERMS):
        coefficient = _coefficient(term, x, a, b)
        d = 1.0 / _nonzero(1.0 + coefficient * d)
        c = _nonzero(1.0 + coefficient / c)
        value *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return value


def _coefficient(term: int, x: float, a: float, b: float) -> float:
    m, odd = divmod(term, 2)
    if odd:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
