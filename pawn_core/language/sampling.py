"""How completions are drawn from a model's logits.

Shapes: b completions, v vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TextSampling:
    """How the tokens of one completion are chosen, and how many at most."""

    max_new_tokens: int
    """The end token among them; a completion is cut there, or where the context ends."""
    temperature: float = 1.0
    """Divides the logits; 0 takes the likeliest token."""
    top_k: int | None = None
    """Only so many likeliest tokens; None: all."""
    top_p: float = 1.0
    """Only the fewest likeliest tokens whose probabilities reach this sum, after the two above."""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens {self.max_new_tokens} is out of range; allowed: 1 up")
        if not 0.0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature {self.temperature} is out of range; allowed: 0 or more")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k {self.top_k} is out of range; allowed: 1 or more")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p {self.top_p} is out of range; allowed: over 0, up to 1")


@dataclass(frozen=True)
class Warp:
    """What the settings of several completions make of their logits."""

    temperature_b: Tensor
    top_k_b: Tensor | None
    """None where none is limited."""
    top_p_b: Tensor | None

    @classmethod
    def of(cls, sampling: Sequence[TextSampling], tokens: int, device: torch.device) -> "Warp":
        """Return that of completions in order; greedy ones keep their likeliest token alone."""
        greedy = [each.temperature == 0.0 for each in sampling]
        temperature = [each.temperature or 1.0 for each in sampling]
        top_k = [
            1 if only_one else min(each.top_k or tokens, tokens)
            for only_one, each in zip(greedy, sampling, strict=True)
        ]
        top_p = [each.top_p if each.top_p < 1.0 else torch.inf for each in sampling]
        return cls(
            torch.tensor(temperature, dtype=torch.float64, device=device),
            torch.tensor(top_k, device=device) if min(top_k) < tokens else None,
            torch.tensor(top_p, dtype=torch.float64, device=device) if min(top_p) < 1.0 else None,
        )

    def at(self, rows_b: Tensor) -> "Warp":
        """Return that of some completions."""
        top_k_b, top_p_b = (None if x is None else x[rows_b] for x in (self.top_k_b, self.top_p_b))
        return Warp(self.temperature_b[rows_b], top_k_b, top_p_b)

    def apply(self, logits_bv: Tensor) -> Tensor:
        """Return float64 logits (b, v), minus infinity where a token is not allowed.

        Of equally likely tokens the first in the vocabulary is taken first.
        """
        warped_bv = logits_bv.double() / self.temperature_b[:, None]
        if self.top_k_b is None and self.top_p_b is None:
            return warped_bv
        ordered_bv, order_bv = warped_bv.sort(dim=1, descending=True, stable=True)
        if self.top_k_b is not None:
            ranks = torch.arange(ordered_bv.shape[1], device=ordered_bv.device)
            ordered_bv = ordered_bv.masked_fill(ranks >= self.top_k_b[:, None], -torch.inf)
        if self.top_p_b is not None:
            p_bv = ordered_bv.softmax(dim=1)
            before_bv = p_bv.cumsum(dim=1) - p_bv
            ordered_bv = ordered_bv.masked_fill(before_bv >= self.top_p_b[:, None], -torch.inf)
        return torch.empty_like(warped_bv).scatter_(1, order_bv, ordered_bv)
