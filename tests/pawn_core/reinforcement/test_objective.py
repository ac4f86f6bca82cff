"""The loss of an update does not depend on how it is cut; each of its terms does what it says."""

import pytest
import torch
from made_updates import Update, objective_of, taken

from pawn_core.reinforcement import ALGORITHMS, KL_LOSSES
from pawn_core.reinforcement.divergence import entropy, exact_kl

EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS)
SETTINGS = {"kl_estimator": "exact", "entropy_coef": 0.01}


@EVERY
@pytest.mark.parametrize("cut", [[(0,), (1,), (2,), (3,), (4,)], [(3, 1), (4, 0, 2)]])
def test_chunks_add_up_to_the_same_loss_gradient_and_sums(
    algorithm: str, cut: list[tuple[int, ...]]
) -> None:
    update = Update(seed=0)
    update.used_c[2] = False
    objective = objective_of(algorithm, **SETTINGS)
    whole, sums = objective.loss(*update.chunk(algorithm), 0.1)
    (expected,) = torch.autograd.grad(whole, update.logits_nv)
    parts = [objective.loss(*update.chunk(algorithm, *completions), 0.1) for completions in cut]
    (found,) = torch.autograd.grad(sum(loss for loss, _ in parts), update.logits_nv)
    assert (found - expected).abs().max() / expected.abs().max() < 1e-6
    for name, total in sums.items():
        assert sum(part[name] for _, part in parts).item() == pytest.approx(total.item(), rel=1e-6)


@EVERY
def test_the_order_of_completions_changes_nothing(algorithm: str) -> None:
    update = Update(seed=1)
    objective = objective_of(algorithm, **SETTINGS)
    losses = [
        objective.loss(*update.chunk(algorithm, *order), 0.1)[0].item()
        for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1])
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


@EVERY
@pytest.mark.parametrize(
    "settings",
    [
        {"kl_estimator": "exact", "beta": 0.1},
        {"kl_estimator": "k3", "beta": 0.1},
        {"entropy_coef": 0.01},
    ],
    ids=["exact", "k3", "entropy"],
)
def test_each_term_moves_the_gradient(algorithm: str, settings: dict[str, float]) -> None:
    update = Update(seed=2)
    assert not torch.allclose(update.gradient(algorithm, **settings), update.gradient(algorithm))


def test_kl_and_entropy_are_weighed_as_the_reward_is() -> None:
    update = Update(seed=3)
    log_p_nv = update.logits_nv.log_softmax(-1)
    kl_n, entropy_n = exact_kl(log_p_nv, update.reference_nv), entropy(log_p_nv)
    logits_nv, chunk = update.chunk("grpo")
    loss, sums = objective_of("grpo", **SETTINGS).loss(logits_nv, chunk, 0.5)
    weights_n = chunk.weights_c[chunk.completions_n]
    expected = sums["policy_loss"] + weights_n @ (0.5 * kl_n - 0.01 * entropy_n)
    assert loss.item() == pytest.approx(expected.item())
    assert sums["kl_loss"].item() == pytest.approx((0.5 * weights_n @ kl_n).item())
    assert sums["kl"].item() == pytest.approx(kl_n.sum().item())
    assert sums["entropy"].item() == pytest.approx(entropy_n.sum().item())


@pytest.mark.parametrize("estimator", KL_LOSSES)
def test_the_kl_reported_is_the_exact_one_and_never_times_beta(estimator: str) -> None:
    update = Update(seed=4)
    objective = objective_of("grpo", kl_estimator=estimator)
    kl = [objective.loss(*update.chunk("grpo"), beta)[1]["kl"].item() for beta in (0, 0.1, 10)]
    log_p_nv = update.logits_nv.log_softmax(-1)
    assert kl == pytest.approx([exact_kl(log_p_nv, update.reference_nv).sum().item()] * 3)


def test_at_the_reference_the_kl_is_zero() -> None:
    update = Update(seed=5, moved=0.0)
    update.reference_nv = update.old_logits_nv.log_softmax(-1)
    for estimator in KL_LOSSES:
        objective = objective_of("grpo", kl_estimator=estimator)
        _, sums = objective.loss(*update.chunk("grpo"), 1.0)
        assert abs(sums["kl"].item()) < 1e-6
        assert abs(sums["kl_loss"].item()) < 1e-6


def test_the_entropy_bonus_makes_the_policy_less_certain() -> None:
    update = Update(seed=6, moved=0.0)
    update.advantages_c = torch.zeros_like(update.advantages_c)
    step_nv = -update.gradient("grpo", entropy_coef=1.0)
    before_n, after_n = (
        entropy((update.logits_nv.detach() + size * step_nv).log_softmax(-1)) for size in (0, 0.1)
    )
    assert (after_n > before_n).all()


def test_sixteen_bit_logits_are_normalised_in_float32() -> None:
    update = Update(seed=7, moved=0.0)
    logits_nv, chunk = update.chunk("grpo")
    halved_nv = logits_nv.detach().bfloat16()
    old_n = taken(halved_nv.float().log_softmax(-1), chunk.tokens_n)
    _, sums = objective_of("grpo").loss(halved_nv, chunk._replace(old_n=old_n))
    assert sums["ratio"].item() == sums["tokens"].item()


def test_a_kl_without_a_reference_is_refused() -> None:
    logits_nv, chunk = Update(seed=8).chunk("grpo")
    chunk = chunk._replace(reference_nv=None)
    with pytest.raises(ValueError, match=r"beta 0\.1 needs reference_nv"):
        objective_of("grpo", kl_estimator="exact").loss(logits_nv, chunk, 0.1)
    _, sums = objective_of("grpo", kl_estimator="exact").loss(logits_nv, chunk, 0.0)
    assert sums["kl"].item() == 0


def test_an_objective_with_k1_in_the_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="kl_estimator 'k1' is no loss; one of: exact, k2, k3"):
        objective_of("grpo", kl_estimator="k1")
