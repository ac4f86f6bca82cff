"""What every model that predicts the next token does with its hidden states and its head.

Shapes: b batch, t time, d width, n chosen positions, v vocabulary.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from pawn_core.model.attention import Packed
from pawn_core.model.cache import Cache
from pawn_core.model.head import Head

INIT_STD = 0.02


class LanguageModel(nn.Module, ABC):
    """Predict the next token of a sequence from those before it."""

    lm_head: Head
    """What makes logits of hidden states."""
    residual_in_amp: bool = False
    """Whether the residual stream of a training pass is in the autocast type, where that is on."""

    def __init__(self, n_heads: int, max_seq_len: int) -> None:
        super().__init__()
        self.n_heads, self.max_seq_len = n_heads, max_seq_len

    @property
    @abstractmethod
    def blocks(self) -> nn.ModuleList:
        """The layers, in order."""

    @property
    def head_channels(self) -> int:
        """Channels of an attention head."""
        return self.lm_head.weight.shape[1] // self.n_heads

    def initialize(self, generator: torch.Generator) -> None:
        """Draw every matrix from N(0, 0.02); vectors stay as they are made."""
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=INIT_STD, generator=generator)

    @abstractmethod
    def begin(self, tokens_bt: Tensor, packed: Packed | None = None) -> tuple[Tensor, ...]:
        """Return what the first layer is called with: the residual stream (b, t, d), then what
        all layers have in common.
        """

    @abstractmethod
    def end(self, x_btd: Tensor) -> Tensor:
        """Return what the head reads of the residual stream (b, t, d) after the last layer."""

    def forward_hidden(self, tokens_bt: Tensor, packed: Packed | None = None) -> Tensor:
        """Return the normalized hidden states (b, t, d) of token ids (b, t)."""
        x_btd, *common = self.begin(tokens_bt, packed)
        for block in self.blocks:
            x_btd = block(x_btd, *common, packed=packed)
        return self.end(x_btd)

    @abstractmethod
    def hidden_next(self, tokens_bt: Tensor, times_t: Tensor, cache: Cache) -> Tensor:
        """Return the normalized hidden states (b, t, d) of tokens that follow those in a cache.

        `times_t` are the places of the tokens in their sequences, (t,) or (b, t).
        """

    def hidden_at(
        self, tokens_bt: Tensor, positions_n: Tensor | None, packed: Packed | None = None
    ) -> Tensor:
        """Return hidden states (n, d) at flat positions `b * T + t`, or at every one."""
        hidden = self.forward_hidden(tokens_bt, packed).flatten(0, 1)
        return hidden if positions_n is None else hidden[positions_n]

    def forward_at(
        self, tokens_bt: Tensor, positions_n: Tensor | None, packed: Packed | None = None
    ) -> Tensor:
        """Return logits (n, v) at flat positions `b * T + t`, or at every one."""
        return self.lm_head(self.hidden_at(tokens_bt, positions_n, packed))

    def forward(self, tokens_bt: Tensor) -> Tensor:
        """Return logits (b, t, v) at every position."""
        return self.lm_head(self.forward_hidden(tokens_bt))
