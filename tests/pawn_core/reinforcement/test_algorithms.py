"""Each algorithm's loss and gradient are those of its paper, worked out by hand or by autograd."""

import math

import numpy as np
import pytest
import torch
from made_updates import Update, objective_of, taken
from torch import Tensor

from pawn_core.config.policy_loss import ALGORITHMS as USUAL
from pawn_core.reinforcement import ALGORITHMS, Chunk, Clip, algorithm_named, completion_weights

EVERY = pytest.mark.parametrize("algorithm", ALGORITHMS)
WIDE = Clip(1e9, 1e9, cap=1e9)
"""Never clips."""


def two_answers(
    algorithm: str, ratios: list[float], advantages: list[float], clip: Clip | None = None
) -> tuple[float, Tensor]:
    """Return loss and gradient by log pi of completions of one and of three tokens.

    Both tokens of the vocabulary are equally likely now: log pi is log 1/2 everywhere and the
    gradient by its logit is half that by log pi.
    """
    logits_nv = torch.zeros(4, 2, dtype=torch.float64, requires_grad=True)
    old_n = math.log(0.5) - torch.tensor(ratios, dtype=torch.float64).log()
    lengths_c, used_c = torch.tensor([1, 3]), torch.tensor([True, True])
    chunk = Chunk(
        tokens_n=torch.zeros(4, dtype=torch.int64),
        completions_n=torch.tensor([0, 1, 1, 1]),
        old_n=old_n,
        advantages_c=torch.tensor(advantages, dtype=torch.float64),
        weights_c=completion_weights(ALGORITHMS[algorithm], lengths_c, used_c),
    )
    loss, _ = objective_of(algorithm, clip).loss(logits_nv, chunk)
    return loss.item(), 2 * torch.autograd.grad(loss, logits_nv)[0][:, 0]


@pytest.mark.parametrize(
    ("algorithm", "weights"),
    [
        ("grpo", [1 / 2, 1 / 6, 1 / 6, 1 / 6]),  # mean of token means
        ("dr_grpo", [1 / 2, 1 / 2, 1 / 2, 1 / 2]),  # sum over tokens
        ("dapo", [1 / 4, 1 / 4, 1 / 4, 1 / 4]),  # mean over all tokens
        ("gspo", [1 / 2, 1 / 6, 1 / 6, 1 / 6]),
        ("cispo", [1 / 4, 1 / 4, 1 / 4, 1 / 4]),
    ],
)
def test_on_policy_a_token_counts_for_its_share_of_the_batch(
    algorithm: str, weights: list[float]
) -> None:
    _, gradient_n = two_answers(algorithm, [1, 1, 1, 1], [2.0, -1.0])
    expected = [-2 * weights[0], *(weight * 1 for weight in weights[1:])]
    assert gradient_n.tolist() == pytest.approx(expected)


def test_the_clipped_loss_stops_where_the_ratio_has_gone_far_enough() -> None:
    """A better completion above 1 + high and a worse one below 1 - low learn nothing more."""
    loss, gradient_n = two_answers("grpo", [1.3, 0.7, 1.3, 1.0], [1.0, -1.0])
    assert loss == pytest.approx(-1.2 / 2 + (0.8 + 1.3 + 1.0) / 6)
    assert gradient_n.tolist() == pytest.approx([0.0, 0.0, 1.3 / 6, 1 / 6])


@pytest.mark.parametrize(("algorithm", "moves"), [("grpo", False), ("dapo", True)])
def test_clip_higher_lets_a_better_token_grow_further(algorithm: str, moves: bool) -> None:
    _, gradient_n = two_answers(algorithm, [1.25, 1, 1, 1], [1.0, -1.0])
    assert (gradient_n[0].item() != 0) == moves
    _, gradient_n = two_answers(algorithm, [0.75, 1, 1, 1], [-1.0, 1.0])
    assert gradient_n[0].item() == 0


def test_gspo_weighs_a_completion_by_the_mean_of_its_log_ratios() -> None:
    ratios = [1.1, 2.0, 0.5, 0.8]
    loss, gradient_n = two_answers("gspo", ratios, [1.0, -1.0], WIDE)
    sequence = (2.0 * 0.5 * 0.8) ** (1 / 3)
    assert loss == pytest.approx(-1.1 / 2 + sequence / 2)
    assert gradient_n.tolist() == pytest.approx([-1.1 / 2, *[sequence / 6] * 3])


def test_gspo_clips_a_completion_whole() -> None:
    """Tokens far from 1 whose ratios cancel are not clipped; a completion that moved is."""
    _, gradient_n = two_answers("gspo", [1.001, 4.0, 0.25, 1.0], [1.0, 1.0])
    assert gradient_n.tolist() == pytest.approx([0.0, *[-1 / 6] * 3])


@EVERY
def test_the_only_completion_with_a_tenth_token_learns_from_it(algorithm: str) -> None:
    """Nothing is compared or centred over the tokens in the same place of other completions."""
    gradient_nv = Update(seed=1, lengths=(2, 10, 3), moved=0.0).gradient(algorithm)
    assert (gradient_nv.abs().sum(dim=1) > 0).all()


@EVERY
def test_the_end_token_has_a_gradient_whatever_its_number(algorithm: str) -> None:
    update = Update(seed=2, lengths=(3, 3), moved=0.0)
    update.tokens_n[[2, 5]] = 0
    assert (update.gradient(algorithm)[[2, 5]].abs().sum(dim=1) > 0).all()


def test_cispo_weighs_log_pi_by_a_ratio_that_has_no_gradient_itself() -> None:
    ratios = [3.0, 0.1, 9.0, 1.0]
    loss, gradient_n = two_answers("cispo", ratios, [1.0, -1.0], Clip(0.2, 0.2, cap=5.0))
    log_pi = math.log(0.5)
    assert loss == pytest.approx((-3.0 * log_pi + (0.1 + 5.0 + 1.0) * log_pi) / 4)
    assert gradient_n.tolist() == pytest.approx([-3 / 4, 0.1 / 4, 5 / 4, 1 / 4])


def test_cispos_cap_is_a_ratio_not_a_distance_from_one() -> None:
    _, gradient_n = two_answers("cispo", [3.0, 1, 1, 1], [1.0, -1.0], Clip(0.2, 0.2, cap=2.0))
    assert gradient_n[0].item() == pytest.approx(-2 / 4)


def test_the_mean_over_all_tokens_differs_from_that_over_completions_by_length_only() -> None:
    unequal, equal = (Update(seed=3, lengths=lengths) for lengths in ((1, 5), (3, 3)))
    clip = WIDE
    assert not torch.allclose(unequal.gradient("grpo", clip), unequal.gradient("dapo", clip))
    np.testing.assert_allclose(equal.gradient("grpo", clip), equal.gradient("dapo", clip))


@EVERY
def test_before_a_step_every_ratio_is_exactly_one(algorithm: str) -> None:
    """The stored log-probabilities are those that the loss computes, so nothing is clipped."""
    update = Update(seed=4, moved=0.0)
    _, sums = objective_of(algorithm).loss(*update.chunk(algorithm))
    assert sums["ratio"].item() == sums["tokens"].item() == len(update.tokens_n)
    assert sums["clip_low"].item() == sums["clip_high"].item() == 0


@EVERY
def test_on_policy_the_gradient_is_that_of_the_advantage_times_log_pi(algorithm: str) -> None:
    update = Update(seed=5, moved=0.0)
    weights_c = completion_weights(ALGORITHMS[algorithm], update.lengths_c, update.used_c)
    log_probs_n = taken(update.logits_nv.log_softmax(-1), update.tokens_n)
    weighted_n = (weights_c * update.advantages_c)[update.completions_n] * log_probs_n
    expected = torch.autograd.grad(-weighted_n.sum(), update.logits_nv)[0]
    np.testing.assert_allclose(update.gradient(algorithm), expected)


def test_a_second_epoch_has_ratios_off_one_and_clips() -> None:
    update = Update(seed=6, moved=0.0)
    gradient_nv = update.gradient("grpo")
    update.logits_nv = (update.logits_nv.detach() - 40 * gradient_nv).requires_grad_()
    _, sums = objective_of("grpo").loss(*update.chunk("grpo"))
    assert sums["clip_low"] + sums["clip_high"] > 0
    assert abs(sums["ratio"] / sums["tokens"] - 1) > 0.01


def test_tokens_sampled_at_a_temperature_have_a_ratio_off_one() -> None:
    """That is why the stored log-probabilities are untempered."""
    update = Update(seed=7, moved=0.0)
    logits_nv, chunk = update.chunk("grpo")
    tempered_n = taken((logits_nv / 0.6).log_softmax(-1), chunk.tokens_n).detach()
    _, sums = objective_of("grpo").loss(logits_nv, chunk._replace(old_n=tempered_n))
    assert abs(sums["ratio"] / sums["tokens"] - 1) > 0.05


@EVERY
def test_completions_left_out_are_out_of_the_denominator(algorithm: str) -> None:
    """Two equal groups, one of them dead: the gradient of the other is that of it alone."""
    both, alone = Update(seed=8, lengths=(2, 3, 2, 3)), Update(seed=8, lengths=(2, 3))
    both.used_c[2:] = False
    for name in ("old_logits_nv", "logits_nv", "tokens_n", "reference_nv"):
        setattr(alone, name, getattr(both, name)[:5].detach())
    alone.logits_nv.requires_grad_()
    alone.advantages_c = both.advantages_c[:2]
    gradient_nv = both.gradient(algorithm)
    np.testing.assert_allclose(gradient_nv[:5], alone.gradient(algorithm))
    assert (gradient_nv[5:] == 0).all()


@EVERY
def test_without_a_completion_to_learn_from_nothing_weighs(algorithm: str) -> None:
    lengths_c, used_c = torch.tensor([3, 4]), torch.tensor([False, False])
    assert completion_weights(ALGORITHMS[algorithm], lengths_c, used_c).tolist() == [0.0, 0.0]


def test_an_unknown_algorithm_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'ppo' is unknown; one of: grpo, dr_grpo, dapo, gspo"):
        algorithm_named("ppo")


def test_a_config_offers_every_algorithm() -> None:
    assert list(USUAL) == list(ALGORITHMS)
