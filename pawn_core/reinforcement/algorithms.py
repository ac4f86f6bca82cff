"""The algorithms: what loss a token has by its ratio and advantage, and what a token counts for.

Shapes: n tokens, c completions.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Clip(NamedTuple):
    """How far the ratio of new to old probability may count."""

    low: float
    """Below 1 - low it does not count for worse completions."""
    high: float
    """Above 1 + high it does not count for better ones."""
    cap: float = 5.0
    """Most that it weighs in cispo: an absolute value, as in TRL, not 1 + something."""


class Tokens(NamedTuple):
    """The tokens of whole completions."""

    log_probs_n: Tensor
    """Under the policy that learns, untempered; has a gradient."""
    old_n: Tensor
    """Under the policy that sampled, untempered."""
    advantages_n: Tensor
    completions_n: Tensor
    """int64, which completion each belongs to: 0, 0, .. 1, 1, .."""

    @property
    def log_ratio_n(self) -> Tensor:
        """log (pi / pi old) of each token."""
        return self.log_probs_n - self.old_n


class Surrogate(NamedTuple):
    """What is minimised for the reward, by token."""

    loss_n: Tensor
    ratio_n: Tensor
    """What was compared with the clip."""
    low_n: Tensor
    """bool, clipped from below: has no gradient, or a bounded weight in cispo."""
    high_n: Tensor
    """bool, clipped from above."""


def _clipped(ratio_n: Tensor, tokens: Tokens, clip: Clip) -> Surrogate:
    """Return -min(ratio A, clip(ratio) A) (Schulman et al., 2017, arXiv 1707.06347)."""
    advantages_n, bounded_n = tokens.advantages_n, ratio_n.clamp(1 - clip.low, 1 + clip.high)
    loss_n = -torch.minimum(ratio_n * advantages_n, bounded_n * advantages_n)
    low_n = (ratio_n < 1 - clip.low) & (advantages_n < 0)
    high_n = (ratio_n > 1 + clip.high) & (advantages_n > 0)
    return Surrogate(loss_n, ratio_n.detach(), low_n, high_n)


def by_token(tokens: Tokens, clip: Clip) -> Surrogate:
    """Return the clipped loss with each token's own ratio."""
    return _clipped(tokens.log_ratio_n.exp(), tokens, clip)


def by_sequence(tokens: Tokens, clip: Clip) -> Surrogate:
    """Return it with one ratio a completion, exp(mean over its tokens of the log ratio)."""
    lengths_c = torch.bincount(tokens.completions_n).to(tokens.log_probs_n.dtype)
    sums_c = torch.zeros_like(lengths_c).index_add(0, tokens.completions_n, tokens.log_ratio_n)
    return _clipped((sums_c / lengths_c.clamp(min=1)).exp()[tokens.completions_n], tokens, clip)


def by_weight(tokens: Tokens, clip: Clip) -> Surrogate:
    """Return -weight A log pi, the weight being the capped ratio, without a gradient.

    So every token has a gradient, however far its ratio is.
    """
    ratio_n = tokens.log_ratio_n.detach().exp()
    loss_n = -ratio_n.clamp(max=clip.cap) * tokens.advantages_n * tokens.log_probs_n
    high_n = ratio_n > clip.cap
    return Surrogate(loss_n, ratio_n, torch.zeros_like(high_n), high_n)


def per_completion(lengths_c: Tensor, used_c: Tensor) -> Tensor:
    """Weigh tokens so that each completion counts for its mean: 1 / (completions x length)."""
    return 1 / (used_c.sum() * lengths_c.clamp(min=1))


def per_sum(lengths_c: Tensor, used_c: Tensor) -> Tensor:
    """Weigh tokens so that each completion counts for its sum: 1 / completions."""
    return 1 / used_c.sum().expand(len(lengths_c))


def per_token(lengths_c: Tensor, used_c: Tensor) -> Tensor:
    """Weigh all tokens of the batch alike: 1 / tokens."""
    return 1 / (lengths_c * used_c).sum().expand(len(lengths_c))


class Algorithm(NamedTuple):
    """How a published algorithm makes a loss; its usual settings are the config's."""

    surrogate: Callable[[Tokens, Clip], Surrogate]
    weigh: Callable[[Tensor, Tensor], Tensor]


ALGORITHMS: dict[str, Algorithm] = {
    "grpo": Algorithm(by_token, per_completion),  # arXiv 2402.03300
    "dr_grpo": Algorithm(by_token, per_sum),  # 2503.20783
    "dapo": Algorithm(by_token, per_token),  # 2503.14476
    "gspo": Algorithm(by_sequence, per_completion),  # 2507.18071
    "cispo": Algorithm(by_weight, per_token),  # 2506.13585
}


def algorithm_named(name: str) -> Algorithm:
    """Return an algorithm.

    Raises:
        ValueError: it is unknown.
    """
    if name not in ALGORITHMS:
        raise ValueError(f"algorithm {name!r} is unknown; one of: {', '.join(ALGORITHMS)}")
    return ALGORITHMS[name]


def completion_weights(algorithm: Algorithm, lengths_c: Tensor, used_c: Tensor) -> Tensor:
    """Return what each token of a completion counts for in the loss, (c,) float64.

    The denominators are those of all completions given: give it all that share an update, then the
    sums over any chunks of them add up to the same loss.

    Args:
        lengths_c: int64, tokens of each completion, the end token included.
        used_c: bool; the others weigh nothing. All weigh 0 where none is used: no update.
    """
    weights_c = algorithm.weigh(lengths_c.double(), used_c.double())
    return weights_c.masked_fill(~used_c, 0.0)
