"""FiLM: each channel is scaled and shifted (Perez et al., 2018, arXiv 1709.07871).

Parameters are `gain = gamma - 1` and `shift = beta`, zero at the start: weight decay then pulls
towards the identity.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.adapters.adapter import Adapter
from pawn_core.model.head import Head, HeadParts

PARAMETERS = ("gain", "shift")


class FilmLayer(nn.Module):
    """`(1 + gain) x + shift` by channel."""

    def __init__(self, d_model: int, like: Tensor) -> None:
        super().__init__()
        self.gain = nn.Parameter(like.new_zeros(d_model))
        self.shift = nn.Parameter(like.new_zeros(d_model))

    def forward(self, x_btd: Tensor) -> Tensor:
        """Scale and shift."""
        return (1 + self.gain) * x_btd + self.shift


class FilmHead(Head):
    """A frozen head whose logits are scaled and shifted, each token's by its own."""

    def __init__(self, frozen: Head) -> None:
        with torch.device("meta"):
            super().__init__(frozen.in_features, frozen.out_features)
        self.weight = frozen.weight
        self.gain = nn.Parameter(frozen.weight.new_zeros(self.out_features))
        self.shift = nn.Parameter(frozen.weight.new_zeros(self.out_features))

    def forward(self, input: Tensor) -> Tensor:
        """Return the logits, scaled and shifted."""
        return (1 + self.gain) * F.linear(input, self.weight) + self.shift

    def parts(self) -> HeadParts:
        """Return what it computes, for a loss to compute in parts."""
        return HeadParts(self.weight, 1 + self.gain, self.shift)


class Film(Adapter):
    """FiLM after each adapted layer, and on the logits where asked."""

    def install(self, generator: torch.Generator) -> None:
        """Put FiLM behind the layers and on the head."""
        like = self.model.lm_head.weight
        for index in self.layers:
            name = f"layers.{index}.after_feed_forward"
            self.replace(name, lambda _: FilmLayer(like.shape[1], like))
        if self.config.output_film:
            self.replace("lm_head", FilmHead)

    def lr_ratios(self) -> dict[str, float]:
        """Return FiLM's own learning rate by parameter, as a share of `lr`."""
        assert self.config.film_lr is not None
        ratio = self.config.film_lr / self.config.lr
        names = (name for name in self.parameters() if name.rpartition(".")[2] in PARAMETERS)
        return dict.fromkeys(names, ratio) if ratio != 1 else {}
