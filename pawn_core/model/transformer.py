"""The PAWN transformer: pre-norm, causal, RMSNorm, RoPE, SwiGLU, no biases, untied head.

Module names are the published state-dict names. Shapes: b batch, t time, d width, h heads,
k channels of a head, p = k // 2 channel pairs, n chosen positions, v vocabulary, l layers.
"""

import torch
from chess_engine import Vocabulary
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.config import Architecture
from pawn_core.model import products
from pawn_core.model.attention import Packed, attend, spans_of
from pawn_core.model.cache import Cache, KeyValueCache, Past
from pawn_core.model.embedding import FactoredEmbedding
from pawn_core.model.head import Head
from pawn_core.model.language_model import LanguageModel
from pawn_core.model.norm import RMSNorm
from pawn_core.model.precision import as_computed
from pawn_core.model.rope import rotate, rotation_table
from pawn_core.model.spans import GameSpans, attend_rotated_spans

NORM_EPS = 1e-6


class Attention(nn.Module):
    """Multi-head self-attention with rotary positions, causal unless it is said otherwise."""

    def __init__(self, d_model: int, n_heads: int, *, causal: bool = True) -> None:
        super().__init__()
        self.n_heads, self.causal = n_heads, causal
        self.head_channels = d_model // n_heads
        self.wq = nn.Linear(d_model, d_model, bias=False)
        self.wk = nn.Linear(d_model, d_model, bias=False)
        self.wv = nn.Linear(d_model, d_model, bias=False)
        self.wo = nn.Linear(d_model, d_model, bias=False)

    def forward(
        self,
        x_btd: Tensor,
        rope_tp2: Tensor,
        past: Past | None = None,
        packed: Packed | None = None,
    ) -> Tensor:
        """Mix each position with those before it in its game, or with all."""
        spans = spans_of(packed) if self._turns_whole_heads(rope_tp2) else None
        if spans is not None and products.are_ours(x_btd, self.wq, self.wk, self.wv, self.wo):
            return self._of_games(x_btd, rope_tp2, spans)
        parts = projected(x_btd, self.wq, self.wk, self.wv)
        q, k, v = (part.unflatten(-1, (self.n_heads, -1)) for part in parts)
        q, k = rotate(q, rope_tp2), rotate(k, rope_tp2)
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        mask = packed.mask if packed else None
        mixed_bhtk = past.attend(q, k, v) if past else attend(q, k, v, mask, causal=self.causal)
        return self.wo(mixed_bhtk.transpose(1, 2).flatten(-2))

    def _turns_whole_heads(self, rope_tp2: Tensor) -> bool:
        """Whether heads have an even number of channels."""
        return 2 * rope_tp2.shape[-2] == self.head_channels

    def _of_games(self, x_1nd: Tensor, rope_1np2: Tensor, spans: GameSpans) -> Tensor:
        """Return the same of one row of games, each from its first place on."""
        qkv_n = products.side_by_side(x_1nd, self.wq.weight, self.wk.weight, self.wv.weight)[0]
        qkv_n3hk = qkv_n.unflatten(-1, (3, self.n_heads, -1))
        mixed_nhk = attend_rotated_spans(qkv_n3hk, rope_1np2[0], spans)
        return products.side_by_side(mixed_nhk.flatten(1)[None], self.wo.weight)


class FeedForward(nn.Module):
    """SwiGLU: `down(silu(gate(x)) * up(x))` (Shazeer, 2020, arXiv 2002.05202)."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_ff, bias=False)
        self.w_up = nn.Linear(d_model, d_ff, bias=False)
        self.w_down = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x_btd: Tensor, packed: Packed | None = None) -> Tensor:
        """Transform each position by itself."""
        if spans_of(packed) and products.are_ours(x_btd, self.w_gate, self.w_up, self.w_down):
            gate_up = products.side_by_side(x_btd, self.w_gate.weight, self.w_up.weight)
            return products.side_by_side(products.swiglu(gate_up), self.w_down.weight)
        gate_btf, up_btf = projected(x_btd, self.w_gate, self.w_up)
        return self.w_down(F.silu(gate_btf) * up_btf)


def projected(x_btd: Tensor, *maps: nn.Module) -> tuple[Tensor, ...]:
    """Return what each of some linear maps makes of x: compiled, by one product of them all.

    Forwards it reads x once, backwards it adds up the gradients by x; the compiler casts and joins
    the weights in one pass. Maps that an adapter has taken the place of are computed one by one.
    """
    if not torch.compiler.is_compiling() or any(type(each) is not nn.Linear for each in maps):
        return tuple(each(x_btd) for each in maps)
    weights = [each.weight for each in maps if isinstance(each, nn.Linear)]
    return F.linear(x_btd, torch.cat(weights)).split([len(weight) for weight in weights], dim=-1)


class Block(nn.Module):
    """Attention, then feed-forward, each on a normalized copy and added back.

    An adapter may take the place of the identity after either.
    """

    def __init__(self, architecture: Architecture, *, causal: bool = True) -> None:
        super().__init__()
        d_model = architecture.d_model
        self.attn_norm = RMSNorm(d_model, eps=NORM_EPS)
        self.attn = Attention(d_model, architecture.n_heads, causal=causal)
        self.after_attention: nn.Module = nn.Identity()
        self.ffn_norm = RMSNorm(d_model, eps=NORM_EPS)
        self.ffn = FeedForward(d_model, architecture.d_ff)
        self.after_feed_forward: nn.Module = nn.Identity()

    def forward(
        self,
        x_btd: Tensor,
        rope_tp2: Tensor,
        past: Past | None = None,
        packed: Packed | None = None,
    ) -> Tensor:
        """Return the residual stream after this layer."""
        mixed_btd = self.attn(self.attn_norm(x_btd), rope_tp2, past, packed)
        x_btd = self.after_attention(x_btd + mixed_btd)
        return self.after_feed_forward(x_btd + self.ffn(self.ffn_norm(x_btd), packed))


class Transformer(LanguageModel):
    """Predict the next token of a game from the tokens before it."""

    def __init__(
        self,
        architecture: Architecture,
        vocabulary: Vocabulary | int,
        max_seq_len: int,
        *,
        tied: bool = False,
    ) -> None:
        """Make the model; a tied one embeds tokens by the head's rows (Press & Wolf, 2017).

        It is tied where there is but a number of tokens in place of a vocabulary of moves.
        """
        super().__init__(architecture.n_heads, max_seq_len)
        self.embed = None
        tokens = vocabulary if isinstance(vocabulary, int) else vocabulary.size
        if not tied and not isinstance(vocabulary, int):
            self.embed = FactoredEmbedding(vocabulary, architecture.d_model)
        self.layers = nn.ModuleList(Block(architecture) for _ in range(architecture.n_layers))
        self.final_norm = RMSNorm(architecture.d_model, eps=NORM_EPS)
        self.lm_head = Head(architecture.d_model, tokens)
        rope = rotation_table(max_seq_len, architecture.d_model // architecture.n_heads)
        self.register_buffer("rope", rope, persistent=False)

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers, in order."""
        return self.layers

    def embedded(self, tokens_bt: Tensor) -> Tensor:
        """Return the vectors (b, t, d) of token ids (b, t)."""
        if self.embed is None:
            return F.embedding(tokens_bt, self.lm_head.weight)
        return self.embed(tokens_bt)

    def begin(self, tokens_bt: Tensor, packed: Packed | None = None) -> tuple[Tensor, Tensor]:
        """Return the embedded tokens (b, t, d) and the rotations of their places."""
        rope = self.get_buffer("rope")
        rope = rope[packed.times_bt] if packed else rope[: tokens_bt.shape[1]]
        x_btd = self.embedded(tokens_bt)
        if self.residual_in_amp:
            [x_btd] = as_computed(x_btd)
        return x_btd, rope

    def end(self, x_btd: Tensor) -> Tensor:
        """Return the normalized residual stream."""
        return self.final_norm(x_btd)

    def residuals_at(self, tokens_bt: Tensor, positions_n: Tensor) -> Tensor:
        """Return the residual stream (l + 1, n, d) at flat positions `b * T + t`.

        First the embedding, then what each layer leaves; none of them is normalized.
        """
        rope = self.get_buffer("rope")[: tokens_bt.shape[1]]
        x_btd = self.embedded(tokens_bt)
        chosen = [x_btd.flatten(0, 1)[positions_n]]
        for layer in self.layers:
            x_btd = layer(x_btd, rope)
            chosen.append(x_btd.flatten(0, 1)[positions_n])
        return torch.stack(chosen)

    def new_cache(self, batch: int) -> KeyValueCache:
        """Return an empty cache for sequences of up to `max_seq_len` tokens."""
        weight = self.lm_head.weight
        heads = self.n_heads
        shape = (len(self.layers), batch, heads, self.max_seq_len, self.head_channels)
        return KeyValueCache(shape, weight)

    def forward_next(self, tokens_bt: Tensor, cache: KeyValueCache) -> Tensor:
        """Return the logits (b, v) after the last of these tokens, which follow those in the cache.

        Any number of tokens into an empty cache, then one at a time.

        Raises:
            ValueError: more than one token after the first, or more than `max_seq_len` in all.
        """
        begin, new = cache.length, tokens_bt.shape[1]
        if begin and new != 1:
            raise ValueError(f"{new} tokens onto {begin} in the cache; allowed: 1")
        if begin + new > self.max_seq_len:
            raise ValueError(f"{begin + new} tokens are more than max_seq_len {self.max_seq_len}")
        times_t = torch.arange(begin, begin + new, device=tokens_bt.device)
        hidden_btd = self.hidden_next(tokens_bt, times_t, cache)
        cache.length += new
        return self.lm_head(hidden_btd[:, -1])

    def hidden_next(self, tokens_bt: Tensor, times_t: Tensor, cache: Cache) -> Tensor:
        """Return the normalized hidden states (b, t, d) of tokens that follow those in a cache.

        `times_t` are the places of the tokens in their sequences, (t,) or (b, t).
        """
        rope = self.get_buffer("rope")[times_t]
        x_btd = self.embedded(tokens_bt)
        for index, layer in enumerate(self.layers):
            x_btd = layer(x_btd, rope, Past(cache, index))
        return self.final_norm(x_btd)


def parameter_count(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
