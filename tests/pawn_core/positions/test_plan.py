"""Which position each sample is, in any order and after any stop."""

from collections import Counter

import numpy as np
import pytest

from pawn_core.positions import MixturePlan, MixtureStage, plan

ROWS = {
    "openings": np.arange(0, 50),
    "tactical": np.arange(50, 57),
    "external": np.arange(57, 60),
}
STAGES = [
    MixtureStage(0, {"openings": 1.0}),
    MixtureStage(100, {"openings": 0.5, "tactical": 0.5}),
    MixtureStage(700, {"tactical": 0.25, "external": 0.75}),
]


def of_domain(positions: np.ndarray, name: str) -> np.ndarray:
    return positions[np.isin(positions, ROWS[name])]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let samples of a test reach over many blocks."""
    monkeypatch.setattr(plan, "_BLOCK", 64)


def test_every_position_of_a_domain_comes_once_an_epoch_in_another_order() -> None:
    drawn = of_domain(MixturePlan(STAGES, ROWS, seed=3).draw(0, 2000), "tactical")
    epochs = drawn[: len(drawn) // 7 * 7].reshape(-1, 7)
    assert len(epochs) > 50
    assert (np.sort(epochs, axis=1) == ROWS["tactical"]).all()
    assert len(np.unique(epochs, axis=0)) > len(epochs) // 2


def test_samples_are_the_same_in_batches_of_any_size_and_order() -> None:
    whole = MixturePlan(STAGES, ROWS, seed=3).draw(0, 1000)
    parts = MixturePlan(STAGES, ROWS, seed=3)
    for first, count in [(900, 100), (63, 2), (0, 64), (128, 500), (999, 1)]:
        assert (parts.draw(first, count) == whole[first : first + count]).all()


def test_domains_are_drawn_by_the_weights_of_their_stage() -> None:
    drawn = MixturePlan(STAGES, ROWS, seed=3).draw(0, 10_700)
    assert len(of_domain(drawn[:100], "openings")) == 100
    assert len(of_domain(drawn[100:700], "external")) == 0
    share = len(of_domain(drawn[700:], "external")) / 10_000
    assert abs(share - 0.75) < 0.02  # over 4 standard deviations


def test_counts_of_what_was_drawn_are_exact() -> None:
    mixture = MixturePlan(STAGES, ROWS, seed=3)
    drawn = mixture.draw(0, 1000)
    for sample in (0, 1, 64, 100, 333, 1000):
        counts = {name: len(of_domain(drawn[:sample], name)) for name in ROWS}
        assert mixture.drawn_before(sample) == counts


def test_later_stages_change_no_sample_before_them() -> None:
    other = [*STAGES[:2], MixtureStage(500, {"external": 1.0})]
    before, after = (MixturePlan(stages, ROWS, seed=3).draw(0, 900) for stages in (STAGES, other))
    assert (before[:500] == after[:500]).all()
    assert len(of_domain(after[500:], "external")) == 400


def test_another_seed_draws_other_domains_and_other_positions() -> None:
    one, other = (MixturePlan(STAGES, ROWS, seed).draw(0, 300) for seed in (3, 4))
    assert Counter(one[:100].tolist()) == Counter(other[:100].tolist())  # two epochs of openings
    assert (one[:100] != other[:100]).mean() > 0.5
    assert (np.isin(one[100:], ROWS["tactical"]) != np.isin(other[100:], ROWS["tactical"])).any()


def test_a_stage_of_one_domain_draws_nothing_else() -> None:
    only = MixturePlan([MixtureStage(0, {"external": 1.0})], ROWS, seed=3)
    assert only.domains == ("external",)
    assert set(only.draw(0, 500).tolist()) == set(ROWS["external"].tolist())
