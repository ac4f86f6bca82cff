"""GPT-2 (Radford et al., 2019): learned positions, LayerNorm, GELU, biases, a tied head.

Module names are the published state-dict names, and projections are stored (in, out) as there.
Without dropout: a policy whose dropout is on differs from itself. Shapes: b batch, t time, d width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.config import Architecture
from pawn_core.model.attention import Packed, attend
from pawn_core.model.cache import Cache, Past
from pawn_core.model.head import Head
from pawn_core.model.language_model import LanguageModel

NORM_EPS = 1e-5


class Projection(nn.Module):
    """An affine map `x @ weight + bias`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map each position by itself."""
        return F.linear(x, self.weight.T, self.bias)


class Gpt2Attention(nn.Module):
    """Causal multi-head self-attention; places are in the embedding."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.c_attn = Projection(d_model, 3 * d_model)
        self.c_proj = Projection(d_model, d_model)

    def forward(self, x_btd: Tensor, past: Past | None, packed: Packed | None) -> Tensor:
        """Mix each position with those before it in its text."""
        parts = self.c_attn(x_btd).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts)
        mask = packed.mask if packed else None
        mixed_bhtk = past.attend(q, k, v) if past else attend(q, k, v, mask)
        return self.c_proj(mixed_bhtk.transpose(1, 2).flatten(-2))


class Gpt2FeedForward(nn.Module):
    """Two projections around GELU, approximated by tanh as the published weights were trained."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.c_fc = Projection(d_model, d_ff)
        self.c_proj = Projection(d_ff, d_model)

    def forward(self, x_btd: Tensor) -> Tensor:
        """Transform each position by itself."""
        return self.c_proj(F.gelu(self.c_fc(x_btd), approximate="tanh"))


class Gpt2Block(nn.Module):
    """Attention, then feed-forward, each on a normalized copy and added back."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        d_model = architecture.d_model
        self.ln_1 = nn.LayerNorm(d_model, eps=NORM_EPS)
        self.attn = Gpt2Attention(d_model, architecture.n_heads)
        self.ln_2 = nn.LayerNorm(d_model, eps=NORM_EPS)
        self.mlp = Gpt2FeedForward(d_model, architecture.d_ff)

    def forward(
        self, x_btd: Tensor, past: Past | None = None, packed: Packed | None = None
    ) -> Tensor:
        """Return the residual stream after this layer."""
        x_btd = x_btd + self.attn(self.ln_1(x_btd), past, packed)
        return x_btd + self.mlp(self.ln_2(x_btd))


class Gpt2(LanguageModel):
    """Predict the next token of a text from those before it."""

    def __init__(self, architecture: Architecture, tokens: int, max_seq_len: int) -> None:
        super().__init__(architecture.n_heads, max_seq_len)
        self.wte = Head(architecture.d_model, tokens)
        self.wpe = nn.Embedding(max_seq_len, architecture.d_model)
        self.h = nn.ModuleList(Gpt2Block(architecture) for _ in range(architecture.n_layers))
        self.ln_f = nn.LayerNorm(architecture.d_model, eps=NORM_EPS)

    @property
    def lm_head(self) -> Head:  # pyrefly: ignore[bad-override]  # read only
        """What makes logits of hidden states: the token embedding."""
        return self.wte

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers, in order."""
        return self.h

    def begin(self, tokens_bt: Tensor, packed: Packed | None = None) -> tuple[Tensor]:
        """Return the embedded tokens (b, t, d), each at its place in its text."""
        times = torch.arange(tokens_bt.shape[1], device=tokens_bt.device)
        return (self._embedded(tokens_bt, packed.times_bt if packed else times),)

    def end(self, x_btd: Tensor) -> Tensor:
        """Return the normalized residual stream."""
        return self.ln_f(x_btd)

    def hidden_next(self, tokens_bt: Tensor, times_t: Tensor, cache: Cache) -> Tensor:
        """Return the normalized hidden states (b, t, d) of tokens that follow those in a cache.

        `times_t` are the places of the tokens in their texts, (t,) or (b, t).
        """
        x_btd = self._embedded(tokens_bt, times_t)
        for index, block in enumerate(self.h):
            x_btd = block(x_btd, Past(cache, index))
        return self.ln_f(x_btd)

    def _embedded(self, tokens_bt: Tensor, times_t: Tensor) -> Tensor:
        return F.embedding(tokens_bt, self.wte.weight) + self.wpe(times_t)
