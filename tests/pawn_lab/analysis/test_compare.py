"""Differences between groups of seeds: known answers, and coverage and power by simulation."""

import random

import pytest

from pawn_lab.analysis.compare import Difference, Sample, Verdict, paired, welch

SEED = 20_261_121
REPETITIONS = 1500


def test_a_paired_difference_has_its_textbook_interval():
    """Differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t(2) = 4.303."""
    difference = paired([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert difference.mean == 2.0
    assert difference.degrees_of_freedom == pytest.approx(2)
    assert difference.interval == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-4)


def test_an_unpaired_difference_has_welchs_degrees_of_freedom():
    """Variances 1 and 4 of 3 values each: df = (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2) = 50/17."""
    difference = welch([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert difference.mean == -2.0
    assert difference.standard_error == pytest.approx((5 / 3) ** 0.5)
    assert difference.degrees_of_freedom == pytest.approx(50 / 17)


def test_a_shift_that_all_seeds_share_is_found_only_by_pairing():
    seeds = [2.0, 3.0, 4.0, 5.0]
    shifted = [2.11, 3.1, 4.09, 5.1]
    assert paired(shifted, seeds).verdict(lower_is_better=True) is Verdict.WORSE
    assert welch(shifted, seeds).verdict(lower_is_better=True) is Verdict.INDISTINGUISHABLE


def test_better_is_lower_or_higher_as_the_metric_says():
    difference = paired([1.0, 1.1, 0.9], [2.0, 2.1, 1.9])
    assert difference.verdict(lower_is_better=True) is Verdict.BETTER
    assert difference.verdict(lower_is_better=False) is Verdict.WORSE


def test_equal_runs_are_indistinguishable_and_no_number_of_seeds_helps():
    difference = welch([1.0, 1.0], [1.0, 1.0])
    assert difference.interval == (0.0, 0.0)
    assert difference.verdict(lower_is_better=True) is Verdict.INDISTINGUISHABLE
    assert paired([1.0, 3.0], [2.0, 2.0]).seeds_needed() is None


def test_the_seeds_needed_are_the_fewest_with_which_the_difference_is_detectable():
    difference = Difference(1.0, (Sample(1.0, 3),))
    more = difference.seeds_needed()
    assert more == 7  # 10 pairs: (2.262 + 0.883) / sqrt(10) = 0.995; 9 pairs: 1.065
    assert Difference(1.0, (Sample(1.0, 3 + more),)).detectable <= 1.0
    assert Difference(1.0, (Sample(1.0, 2 + more),)).detectable > 1.0


@pytest.mark.parametrize("kind", [paired, welch])
@pytest.mark.parametrize("seeds", [3, 8])
def test_the_interval_covers_the_true_difference_in_95_of_100_experiments(kind, seeds):
    print(f"random.Random({SEED})")
    draw = random.Random(SEED)
    covered = 0
    for _ in range(REPETITIONS):
        low, high = kind(_values(draw, seeds, 0.5), _values(draw, seeds, 0.0)).interval
        covered += low <= 0.5 <= high
    assert 0.935 < covered / REPETITIONS < 0.975  # Welch's is a little wide for 3 seeds


@pytest.mark.parametrize(
    ("kind", "samples", "seeds"), [(paired, 1, 3), (paired, 1, 8), (welch, 2, 8)]
)
def test_a_detectable_difference_is_found_in_80_of_100_experiments(kind, samples, seeds):
    print(f"random.Random({SEED})")
    draw = random.Random(SEED)
    variance = 2.0 / samples  # of differences, or of each group
    truth = Difference(0.0, (Sample(variance, seeds),) * samples).detectable
    found = 0
    for _ in range(REPETITIONS):
        difference = kind(_values(draw, seeds, truth), _values(draw, seeds, 0.0))
        found += difference.verdict(lower_is_better=True) is Verdict.WORSE
    assert 0.76 < found / REPETITIONS < 0.84


def _values(draw: random.Random, count: int, mean: float) -> list[float]:
    return [draw.gauss(mean, 1.0) for _ in range(count)]
