"""Bottlenecks: small networks in the residual stream (Houlsby et al., 2019, arXiv 1902.00751)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.adapters.adapter import Adapter


class BottleneckLayer(nn.Module):
    """`x + up(gelu(down x))`, with further layers of the same width between; up starts at 0."""

    def __init__(
        self, d_model: int, width: int, hidden: int, like: Tensor, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.down = _linear(d_model, width, like, generator)
        self.hidden = nn.ModuleList(_linear(width, width, like, generator) for _ in range(hidden))
        self.up = _linear(width, d_model, like, None)

    def forward(self, x_btd: Tensor) -> Tensor:
        """Add what the bottleneck makes of each position."""
        narrow = F.gelu(self.down(x_btd))
        for layer in self.hidden:
            narrow = F.gelu(layer(narrow))
        return x_btd + self.up(narrow)


class Bottleneck(Adapter):
    """A bottleneck after attention and one after the feed-forward part of each adapted layer."""

    def install(self, generator: torch.Generator) -> None:
        """Put a bottleneck in each place that the config leaves."""
        config = self.config
        left_out = {"after_attention": config.no_adapt_attn}
        left_out |= {"after_feed_forward": config.no_adapt_ffn}
        places = [place for place, out in left_out.items() if not out]
        shape = (config.bottleneck_dim, config.bottleneck_n_hidden)
        like = self.model.lm_head.weight
        for name in (f"layers.{index}.{place}" for index in self.layers for place in places):
            self.replace(name, lambda _: BottleneckLayer(like.shape[1], *shape, like, generator))


def _linear(
    inputs: int, outputs: int, like: Tensor, generator: torch.Generator | None
) -> nn.Linear:
    """Return a map without a bias, drawn as torch draws them, or of zeros without a generator."""
    linear = nn.Linear(inputs, outputs, bias=False, device="meta")
    weight = torch.zeros(outputs, inputs)
    if generator is not None:
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    linear.weight = nn.Parameter(weight.to(like))
    return linear
