"""What an update minimises: the surrogate of the reward, beta times KL, less entropy.

Shapes: n tokens, c completions, v vocabulary.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from pawn_core.reinforcement.algorithms import Algorithm, Clip, Surrogate, Tokens
from pawn_core.reinforcement.divergence import KL_LOSSES, Divergence, entropy, exact_kl


class Chunk(NamedTuple):
    """Every sampled token of some completions of an update; never a part of a completion."""

    tokens_n: Tensor
    """int64, the end token included."""
    completions_n: Tensor
    """int64, which completion of the chunk each belongs to: 0, 0, .. 1, 1, .."""
    old_n: Tensor | None
    """float32 log-probabilities under the policy that sampled, untempered; None: it is this one."""
    advantages_c: Tensor
    weights_c: Tensor
    """What each token counts for: `completion_weights` of the whole update."""
    reference_nv: Tensor | None = None
    """Log-probabilities of the reference over the vocabulary; None without one."""


@dataclass(frozen=True)
class Objective:
    """An algorithm with a run's settings."""

    algorithm: Algorithm
    clip: Clip
    kl_estimator: str | None = None
    """Of the KL in the loss; None where there is none, or in the reward."""
    entropy_coef: float = 0.0

    def __post_init__(self) -> None:
        if self.kl_estimator is not None and self.kl_estimator not in KL_LOSSES:
            allowed = ", ".join(KL_LOSSES)
            raise ValueError(f"kl_estimator {self.kl_estimator!r} is no loss; one of: {allowed}")

    def loss(
        self, logits_nv: Tensor, chunk: Chunk, beta: float = 0.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return a chunk's share of the loss, and sums over its tokens for the metrics.

        Losses and sums of the chunks of an update add up to those of the whole.

        Args:
            logits_nv: what the policy says before each of the tokens, untempered.
            beta: weight of the KL.

        Sums, without gradient, of tokens that count: `tokens`; `loss`, `policy_loss` and `kl_loss`
        (beta times the estimate) as they enter the loss; `kl` (exact, whatever the estimator),
        `entropy`, `ratio` and the clipped `clip_low`, `clip_high`, to be divided by `tokens`.

        Raises:
            ValueError: a KL is asked for and the chunk has no reference.
        """
        if beta and self.kl_estimator and chunk.reference_nv is None:
            raise ValueError(f"beta {beta} needs reference_nv, the reference's log-probabilities")
        log_p_nv = logits_nv.to(torch.promote_types(logits_nv.dtype, torch.float32)).log_softmax(-1)
        log_probs_n = _taken(log_p_nv, chunk.tokens_n)
        weights_n = chunk.weights_c.to(log_p_nv.dtype)[chunk.completions_n]
        advantages_n = chunk.advantages_c.to(log_p_nv.dtype)[chunk.completions_n]
        old_n = log_probs_n.detach() if chunk.old_n is None else chunk.old_n
        tokens = Tokens(log_probs_n, old_n, advantages_n, chunk.completions_n)
        surrogate = self.algorithm.surrogate(tokens, self.clip)
        entropy_n = entropy(log_p_nv if self.entropy_coef else log_p_nv.detach())
        kl_n, kl_loss_n = self._divergence(log_p_nv, tokens, chunk, beta)
        loss_n = surrogate.loss_n + kl_loss_n - self.entropy_coef * entropy_n
        sums = _sums(weights_n, surrogate, kl_n, entropy_n)
        loss = weights_n @ loss_n
        sums |= {"loss": loss, "kl_loss": weights_n @ kl_loss_n}
        return loss, {name: total.detach() for name, total in sums.items()}

    def _divergence(
        self, log_p_nv: Tensor, tokens: Tokens, chunk: Chunk, beta: float
    ) -> tuple[Tensor, Tensor]:
        """Return the exact KL by token, for the metrics, and beta times its estimate."""
        zeros_n = torch.zeros_like(tokens.old_n, dtype=log_p_nv.dtype)
        if chunk.reference_nv is None:
            return zeros_n, zeros_n
        if not beta or self.kl_estimator is None:
            return exact_kl(log_p_nv.detach(), chunk.reference_nv), zeros_n
        exact_n = exact_kl(log_p_nv, chunk.reference_nv)
        d_n = tokens.log_probs_n - _taken(chunk.reference_nv, chunk.tokens_n)
        divergence = Divergence(exact_n, d_n, tokens.log_ratio_n)
        return exact_n, beta * KL_LOSSES[self.kl_estimator](divergence)


def _taken(log_p_nv: Tensor, tokens_n: Tensor) -> Tensor:
    """Return the log-probability (n,) of each position's token."""
    return log_p_nv.gather(1, tokens_n[:, None]).squeeze(1)


def _sums(
    weights_n: Tensor, surrogate: Surrogate, kl_n: Tensor, entropy_n: Tensor
) -> dict[str, Tensor]:
    idle_n = weights_n == 0
    by_token = {
        "tokens": torch.ones_like(weights_n),
        "kl": kl_n,
        "entropy": entropy_n,
        "ratio": surrogate.ratio_n,
        "clip_low": surrogate.low_n,
        "clip_high": surrogate.high_n,
    }
    counted = {name: x_n.double().masked_fill(idle_n, 0.0) for name, x_n in by_token.items()}
    sums = {name: x_n.sum() for name, x_n in counted.items()}
    return sums | {"policy_loss": weights_n @ surrogate.loss_n}
