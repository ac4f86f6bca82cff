"""The rule against a loss that climbs: what is a divergence, and what is none."""

import pytest

from pawn_lab.shim.rules import LOSSES, Divergence


def train(losses, first=0, **fields):
    return [{"type": "train", "step": first + n, "loss": x} | fields for n, x in enumerate(losses)]


@pytest.mark.parametrize(
    "losses",
    [
        [8.0 - 0.05 * n for n in range(120)],
        [2.0] * 100 + [9.0] * (LOSSES - 1) + [2.0] * 50,
        [2.0] * 50 + [3.9] * 200,
        [9.0] * 5,
        [2.0, 9.0] * 100,
    ],
    ids=["falls", "a long spike", "below the factor", "few records", "noise"],
)
def test_a_loss_that_recovers_or_stays_within_the_factor_is_no_divergence(losses):
    assert Divergence(2.0).evidence(train(losses)) is None


def test_a_loss_that_climbs_and_stays_is_a_divergence_with_its_numbers():
    rule = Divergence(2.0)
    assert rule.evidence(train([2.0] * 50)) is None
    evidence = {"step": 50 + LOSSES - 1, "median_loss": 5.0, "lowest_median": 2.0, "factor": 2.0}
    assert rule.evidence(train([5.0] * LOSSES, first=50)) == evidence


def test_each_variant_has_losses_of_its_own():
    rule = Divergence(2.0)
    small, base = train([9.0] * 60, variant="small"), train([2.0] * 60, variant="base")
    assert rule.evidence([*small, *base]) is None, "9 is no climb of the variant that was at 2"
    climbing = train([9.0] * LOSSES, first=60, variant="base")
    steady = train([9.0] * LOSSES, first=60, variant="small")
    mixed = [record for pair in zip(steady, climbing, strict=True) for record in pair]
    found = rule.evidence(mixed)
    assert (found["variant"], found["lowest_median"]) == ("base", 2.0)


def test_records_of_another_kind_or_form_are_passed_over():
    strange = [{"type": "eval", "loss": 9.0, "step": 1}, {"type": "train", "loss": None, "step": 1}]
    assert Divergence(2.0).evidence([*train([2.0] * 50), *strange * LOSSES]) is None


def test_a_rule_that_is_off_stops_nothing():
    assert Divergence(None).evidence(train([2.0] * 50 + [50.0] * 50)) is None
