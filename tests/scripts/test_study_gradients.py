"""scripts/study_gradients.py measures the trainers' own losses against exact gradients of moves."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import study_gradients
from gradient_oracle import REWARDS, Policy, decisions
from study_gradients import Estimator, Study

OPTIONS = argparse.Namespace(positions=6, repeats=400, seed=1)


@pytest.fixture(scope="module")
def captures() -> Study:
    return Study("capture", OPTIONS)


@pytest.fixture(scope="module")
def written() -> Study:
    return Study("capture", OPTIONS, written=True)


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("written", [False, True])
def test_every_legal_answer_is_there_and_probabilities_add_up(reward: str, written: bool) -> None:
    found = decisions(reward, 3, seed=0, written=written)
    policy = Policy.of(found)
    policy.climb(0.2)
    sums_p = torch.zeros(3, dtype=torch.float64)
    sums_p.index_add_(0, policy.decisions_a, policy.probabilities(policy.theta_d))
    np.testing.assert_allclose(sums_p, 1.0)
    assert all(len(set(d.answers)) == len(d.answers) == len(d.rewards_a) for d in found)


def test_the_engine_says_what_a_move_is_worth() -> None:
    for decision in decisions("capture", 3, seed=0, written=True):
        for san, reward in zip(decision.answers, decision.rewards_a, strict=True):
            assert ("x" in san) == (reward > 0)
    for decision in decisions("mate", 3, seed=0, written=True):
        for san, reward in zip(decision.answers, decision.rewards_a, strict=True):
            assert ("#" in san) == (reward == 1)
    for decision in decisions("environment", 3, seed=0):
        assert set(decision.rewards_a) <= {0.001, 0.5, 1.0}


@pytest.mark.parametrize("study", ["captures", "written"])
def test_the_losses_gradients_of_all_answers_add_up_to_the_exact_one(
    study: str, request: pytest.FixtureRequest
) -> None:
    """Weighed by probability and reward, with no sampling at all."""
    measured: Study = request.getfixturevalue(study)
    policy = measured.policy
    weights_a = policy.probabilities(policy.theta_d) * policy.rewards_a / OPTIONS.positions
    gradients_ad = measured._answer_gradients("dr_grpo")[: len(weights_a)]
    np.testing.assert_allclose(weights_a @ gradients_ad, measured.exact_d, atol=1e-12)


def within(measured: study_gradients.Measured, value: float) -> bool:
    return abs(measured.value - value) < 2 * measured.margin


@pytest.mark.parametrize("group_size", [2, 4])
def test_leave_one_out_is_unbiased_and_the_group_mean_is_short_by_its_share(
    captures: Study, group_size: int
) -> None:
    kept = {
        kind: captures.quality(Estimator("grpo", kind, group_size, dead_count=True))
        for kind in ("leave_one_out", "mean")
    }
    for kind, norm in (("leave_one_out", 1.0), ("mean", 1 - 1 / group_size)):
        assert within(kept[kind].cosine, 1.0)
        assert within(kept[kind].norm, norm)
        assert kept[kind].norm.margin < 0.15


def test_dividing_by_the_deviation_turns_the_gradient(captures: Study) -> None:
    cosine = captures.quality(Estimator("grpo", "std", 4, dead_count=True)).cosine
    assert cosine.value + 2 * cosine.margin < 1


def test_what_is_sampled_at_another_temperature_misses_the_gradient(captures: Study) -> None:
    cold = Estimator("grpo", "leave_one_out", 4, dead_count=True, temperature=0.5)
    cosine = captures.quality(cold).cosine
    assert cosine.value + 2 * cosine.margin < 1


def test_groups_left_out_of_the_denominator_make_the_gradient_longer(captures: Study) -> None:
    left_out, kept = (
        captures.quality(Estimator("grpo", "leave_one_out", 2, dead_count)).norm.value
        for dead_count in (False, True)
    )
    assert left_out > 1.2 * kept


def test_of_written_answers_only_sums_over_tokens_keep_the_direction(written: Study) -> None:
    growth = written.longer_d @ written.exact_d / written.exact_d.square().sum()
    of_sums, of_means = (
        written.quality(Estimator(algorithm, "leave_one_out", 4, dead_count=True))
        for algorithm in ("dr_grpo", "grpo")
    )
    assert within(of_sums.cosine, 1.0)
    assert within(of_sums.norm, 1.0)
    assert within(of_sums.tokens, growth.item())
    assert of_means.norm.value < 0.5


def test_the_interval_of_noise_alone_holds_its_mean() -> None:
    generator = torch.Generator().manual_seed(3)
    exact_d = torch.zeros(40, dtype=torch.float64)
    exact_d[0] = 1.0
    noise_rd = torch.randn(2000, 40, generator=generator, dtype=torch.float64)
    measured = study_gradients.quality(exact_d + noise_rd, exact_d, exact_d)
    assert within(measured.cosine, 1.0)
    assert within(measured.norm, 1.0)
    assert within(measured.noise, 40**0.5)


def test_the_same_seed_prints_the_same_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_gradients, "GROUP_SIZES", (2, 4))
    arguments = ["study_gradients.py", "--positions", "2", "--repeats", "20", "--output"]
    texts = []
    for name in ("first.md", "second.md"):
        monkeypatch.setattr(sys, "argv", [*arguments, str(tmp_path / name)])
        assert study_gradients.main() == 0
        texts.append((tmp_path / name).read_text(encoding="utf-8"))
        assert capsys.readouterr().out == texts[-1]
    assert texts[0] == texts[1]
    assert texts[0].count("| leave_one_out |") == 4 + 5 + 3


def test_repeats_that_make_no_batches_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["study_gradients.py", "--repeats", "30"])
    assert study_gradients.main() == 2
    assert "--repeats 30; allowed: 1 or more, a multiple of 20" in capsys.readouterr().err
