"""The head: hidden states to logits, for losses that never hold all logits at once.

Shapes: n positions, d width, v vocabulary.
"""

from typing import NamedTuple

from torch import Tensor, nn


class HeadParts(NamedTuple):
    """What a head computes: `logits = (hidden @ weight.T) * scale + bias`."""

    weight_vd: Tensor
    scale_v: Tensor | None = None
    bias_v: Tensor | None = None

    def folded(self) -> tuple[Tensor, Tensor | None]:
        """Return the same as a weight (v, d) and a bias (v,)."""
        weight_vd = self.weight_vd
        return weight_vd if self.scale_v is None else self.scale_v[:, None] * weight_vd, self.bias_v


class Head(nn.Linear):
    """A linear head without a bias."""

    def __init__(self, d_model: int, tokens: int) -> None:
        super().__init__(d_model, tokens, bias=False)

    def parts(self) -> HeadParts:
        """Return what it computes, for a loss to compute in parts."""
        return HeadParts(self.weight)
