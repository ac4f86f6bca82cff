"""KL to the reference: what each estimator is worth, as a number, as a loss and in the reward.

Expectations are sums over a vocabulary of six, so gradients are exact.
"""

import math

import pytest
import torch
from torch import Tensor

from pawn_core.config.policy_loss import KL_ESTIMATORS
from pawn_core.reinforcement import KL_LOSSES, kl_penalties
from pawn_core.reinforcement.divergence import Divergence, entropy, exact_kl, k1, k2, k3


class Bandit:
    """A policy over six actions, a reference, and the policy that samples."""

    def __init__(self, apart: float = 1.0) -> None:
        generator = torch.Generator().manual_seed(11)
        self.logits_v, reference_v, sampling_v = (
            torch.randn(6, generator=generator, dtype=torch.float64) for _ in range(3)
        )
        self.logits_v.requires_grad_()
        self.log_ref_v = (self.logits_v.detach() + apart * reference_v).log_softmax(0)
        self.log_mu_v = (self.logits_v.detach() + sampling_v).log_softmax(0)

    @property
    def log_p_v(self) -> Tensor:
        return self.logits_v.log_softmax(0)

    @property
    def d_v(self) -> Tensor:
        return self.log_p_v - self.log_ref_v

    def gradient(self, value: Tensor) -> Tensor:
        return torch.autograd.grad(value, self.logits_v)[0]

    def as_loss(self, estimator: str, log_mu_v: Tensor) -> Tensor:
        """Return the expected gradient of an estimate as a loss, with actions drawn from mu."""
        exact_v = exact_kl(self.log_p_v, self.log_ref_v).expand(6)
        divergence = Divergence(exact_v, self.d_v, self.log_p_v - log_mu_v)
        return self.gradient(log_mu_v.exp() @ KL_LOSSES[estimator](divergence))

    def in_reward(self, estimate_v: Tensor) -> Tensor:
        """Return the expected gradient where the estimate is a cost: E[cost x grad log pi]."""
        return self.gradient((self.log_p_v.exp() * estimate_v).detach() @ self.log_p_v)

    @property
    def forward(self) -> Tensor:
        """The gradient of KL(pi | ref)."""
        return self.gradient(exact_kl(self.log_p_v, self.log_ref_v))

    @property
    def backward(self) -> Tensor:
        """The gradient of KL(ref | pi)."""
        return self.gradient(exact_kl(self.log_ref_v, self.log_p_v))


def same(found: Tensor, expected: Tensor) -> bool:
    return torch.allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_the_estimates_of_a_token_by_hand() -> None:
    """At half the reference's probability: d = -log 2."""
    d_n = torch.tensor([-math.log(2), 0.0], dtype=torch.float64)
    assert k1(d_n).tolist() == pytest.approx([-math.log(2), 0])
    assert k2(d_n).tolist() == pytest.approx([math.log(2) ** 2 / 2, 0])
    assert k3(d_n).tolist() == pytest.approx([1 - math.log(2), 0])


def test_exact_kl_and_entropy_by_hand() -> None:
    half, uneven = (torch.tensor([p], dtype=torch.float64).log() for p in ([0.5, 0.5], [0.8, 0.2]))
    expected = 0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(0.5 / 0.2)
    assert exact_kl(half, uneven).item() == pytest.approx(expected)
    assert exact_kl(half, half).item() == 0
    assert entropy(half).item() == pytest.approx(math.log(2))


def test_the_means_of_k1_and_k3_are_the_exact_kl_and_k3_is_never_negative() -> None:
    seed, samples = int(torch.randint(2**31, ())), 200_000
    print(f"seed {seed}")
    bandit = Bandit()
    generator = torch.Generator().manual_seed(seed)
    p_v = bandit.log_p_v.exp().detach()
    drawn = torch.multinomial(p_v, samples, replacement=True, generator=generator)
    d_n = bandit.d_v.detach()[drawn]
    exact = exact_kl(bandit.log_p_v, bandit.log_ref_v).item()
    for estimate in (k1, k3):
        values_n = estimate(d_n)
        error = values_n.std() / math.sqrt(samples)
        assert abs(values_n.mean() - exact) < 5 * error
    assert (k1(d_n) < 0).any()
    assert (k3(d_n) >= 0).all()
    assert k3(d_n).std() < k1(d_n).std()


def test_k2_is_biased_as_a_number() -> None:
    p_v, ref_v = (torch.tensor(p, dtype=torch.float64) for p in ([0.5, 0.5], [0.99, 0.01]))
    assert exact_kl(p_v.log(), ref_v.log()).item() == pytest.approx(1.6144, abs=1e-4)
    assert (p_v @ k2(p_v.log() - ref_v.log())).item() == pytest.approx(3.9427, abs=1e-4)


def test_k1_as_a_loss_teaches_nothing() -> None:
    bandit = Bandit()
    gradient = bandit.gradient(bandit.log_p_v.exp().detach() @ k1(bandit.d_v))
    assert gradient.abs().max() < 1e-15
    assert bandit.forward.norm() > 0.1


@pytest.mark.parametrize("estimator", ["exact", "k2", "k3_weighted"])
def test_on_policy_these_losses_have_the_gradient_of_kl_to_the_reference(estimator: str) -> None:
    bandit = Bandit()
    found = bandit.as_loss(estimator, bandit.log_p_v.detach())
    assert same(found, bandit.forward)


def test_on_policy_k3_as_a_loss_has_the_gradient_of_the_other_kl() -> None:
    bandit = Bandit()
    found = bandit.as_loss("k3", bandit.log_p_v.detach())
    assert same(found, bandit.backward)
    assert (found - bandit.forward).norm() / bandit.forward.norm() > 0.1


@pytest.mark.parametrize(
    ("estimator", "right"), [("exact", True), ("k3_weighted", True), ("k2", False), ("k3", False)]
)
def test_off_policy_only_exact_and_weighted_losses_keep_it(estimator: str, right: bool) -> None:
    bandit = Bandit()
    assert same(bandit.as_loss(estimator, bandit.log_mu_v), bandit.forward) == right


def test_in_the_reward_k1_has_the_gradient_of_kl_to_the_reference() -> None:
    bandit = Bandit()
    assert same(bandit.in_reward(k1(bandit.d_v)), bandit.forward)


def test_in_the_reward_exact_and_k3_are_next_to_nothing() -> None:
    """The exact KL is the same for every action; k3's gradient is the difference of both KLs'."""
    bandit = Bandit(apart=0.05)
    exact_v = exact_kl(bandit.log_p_v, bandit.log_ref_v).expand(6)
    assert bandit.in_reward(exact_v).norm() < 1e-12
    found = bandit.in_reward(k3(bandit.d_v))
    assert same(found, bandit.forward - bandit.backward)
    assert found.norm() < 0.1 * bandit.forward.norm()


def test_a_config_offers_the_estimators_that_teach_and_no_others() -> None:
    assert KL_ESTIMATORS["loss"] == tuple(KL_LOSSES)
    assert KL_ESTIMATORS["reward"] == ("k1",)


def test_the_penalty_of_a_completion_is_the_sum_over_its_tokens() -> None:
    old_n = torch.tensor([-1.0, -2.0, -3.0, -0.5])
    reference_n = torch.tensor([-1.5, -2.0, -2.0, -1.0])
    penalties_c = kl_penalties(old_n, reference_n, torch.tensor([0, 0, 2, 2]), 3)
    assert penalties_c.tolist() == [0.5, 0.0, -0.5]
