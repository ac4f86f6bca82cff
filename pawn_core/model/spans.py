"""Causal attention within games that lie one after the other in one sequence, for a CPU.

Nothing is computed on padding but in the last block of each game. A block of queries of all games
that reach it meets its keys in one batched product, which on a CPU with bfloat16 products is 2 to
3 times as fast as torch's fused attention, its backward pass above all.

Texts that go on from one prompt lie after all prompts; the keys of each prompt are computed once.

Shapes: n tokens of all games (and fillers after them), h heads, k channels of a head, r games,
longest first, t time, q and s queries and keys of a block, p prompts, u tokens of a prompt, c parts
that are laid out alike.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from pawn_core.model.sizes import rounded

_BLOCK = 64  # queries; 128 computes more that the causal mask throws away, and takes 1.4 to 2 times
_SHORT_BLOCK = 16  # a lone block is a multiple of it


class GameSpans(NamedTuple):
    """Where games lie in a sequence of them."""

    lengths: Sequence[int]
    """Tokens of each game, in order; any tokens after the last game are fillers."""

    @property
    def longest_first(self) -> list[tuple[int, int]]:
        """Return each game's first token and the one after its last."""
        spans = list(pairwise(accumulate(self.lengths, initial=0)))
        return sorted(spans, key=lambda span: span[0] - span[1])

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """Yield the first query of each block, the one after its last, and the games it is in.

        These are a few more than reach it where that rounds their number up.
        """
        longest = max(self.lengths)
        step = min(_BLOCK, _round_up(longest, _SHORT_BLOCK))
        for begin in range(0, longest, step):
            games = rounded(sum(length > begin for length in self.lengths), steps=8)
            yield begin, begin + step, min(games, len(self.lengths))


class PromptSpans(NamedTuple):
    """Where texts lie that go on from shared prompts: first the prompts, then what follows them."""

    prompts: GameSpans
    texts: GameSpans
    """What follows a prompt, one token at least each."""
    prompt_of: Sequence[int]
    """Which prompt each text follows."""

    @property
    def prompt_of_longest_first(self) -> Tensor:
        """Return which prompt each text follows, the longest text first."""
        pairs = zip(self.texts.lengths, self.prompt_of, strict=True)
        return torch.tensor([prompt for _, prompt in sorted(pairs, key=lambda pair: -pair[0])])


def attend_spans(q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, spans: GameSpans) -> Tensor:
    """Return attention's mix of the values, (n, h, k): each token sees its game up to itself.

    Fillers see nothing and get zeros.
    """
    return _GameAttention.apply(q_nhk, k_nhk, v_nhk, spans)


def attend_rotated_spans(qkv_n3hk: Tensor, rope_np2: Tensor, spans: GameSpans) -> Tensor:
    """Return the same, (n, h, k), of queries, keys and values whose rotations are still to be made.

    In float32 or better. All games begin at the same place: the longest one's rotations serve all.
    """
    begin, end = spans.longest_first[0]
    return _RotatedGameAttention.apply(qkv_n3hk, rope_np2[begin:end], spans)


def attend_prompt_spans(q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, spans: PromptSpans) -> Tensor:
    """Return attention's mix of the values, (n, h, k): each token sees its prompt and its text,
    up to itself.
    """
    end = sum(spans.prompts.lengths)
    of_prompts = attend_spans(q_nhk[:end], k_nhk[:end], v_nhk[:end], spans.prompts)
    rows_r = spans.prompt_of_longest_first
    lengths_r = torch.tensor(spans.prompts.lengths)[rows_r]
    k_rhuk, v_rhuk = (
        _padded(x_nhk[:end], spans.prompts)
        .transpose(1, 2)
        .index_select(0, rows_r)  # its gradient is added up in order, that of x[rows_r] is not
        for x_nhk in (k_nhk, v_nhk)
    )
    absent_ru = torch.arange(k_rhuk.shape[2]) >= lengths_r[:, None]
    texts = (x_nhk[end:] for x_nhk in (q_nhk, k_nhk, v_nhk))
    of_texts = _GameAttention.apply(*texts, spans.texts, k_rhuk, v_rhuk, absent_ru)
    return torch.cat((of_prompts, of_texts))


def _padded(x_nhk: Tensor, prompts: GameSpans) -> Tensor:
    """Return a row a prompt, (p, u, h, k), where u is one of few sizes."""
    x_puhk = pad_sequence(list(x_nhk.split(list(prompts.lengths))), batch_first=True)
    u = x_puhk.shape[1]
    return F.pad(x_puhk, (0, 0, 0, 0, 0, rounded(u, steps=8) - u))


class _GameAttention(torch.autograd.Function):
    """Attention of games to themselves and, where there are any, to the keys before them."""

    @staticmethod
    def forward(
        ctx: Any,
        q_nhk: Tensor,
        k_nhk: Tensor,
        v_nhk: Tensor,
        spans: GameSpans,
        k_rhuk: Tensor | None = None,
        v_rhuk: Tensor | None = None,
        absent_ru: Tensor | None = None,
    ) -> Tensor:
        q, k, v = (_to_rows(x[:, None], spans)[0] for x in (q_nhk, k_nhk, v_nhk))
        if k_rhuk is not None and v_rhuk is not None:
            k, v = torch.cat((k_rhuk, k), 2), torch.cat((v_rhuk, v), 2)
        q *= q.shape[-1] ** -0.5
        mixed, shares = _attend_rows(q, k, v, spans, absent_ru)
        ctx.save_for_backward(q, k, v, *shares)
        ctx.spans = spans
        return _from_rows(mixed[None], spans, len(q_nhk))[:, 0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *shares = ctx.saved_tensors
        spans, n, u = ctx.spans, len(grads[0]), k.shape[2] - q.shape[2]
        grad = _to_rows(grads[0][:, None], spans)[0]
        by_q, by_k, by_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        _add_gradients((by_q, by_k, by_v), grad, (q, k, v), shares, spans)
        by_q *= q.shape[-1] ** -0.5
        own = (by_q, by_k[:, :, u:], by_v[:, :, u:])
        of_q, of_k, of_v = (_from_rows(x[None], spans, n)[:, 0] for x in own)
        before = (by_k[:, :, :u], by_v[:, :, :u]) if u else (None, None)
        return of_q, of_k, of_v, None, *before, None


class _RotatedGameAttention(torch.autograd.Function):
    """Attention of games to themselves, rotations included: these cost next to nothing on rows."""

    @staticmethod
    def forward(ctx: Any, qkv_n3hk: Tensor, rope_tp2: Tensor, spans: GameSpans) -> Tensor:
        rows = _to_rows(qkv_n3hk, spans)
        turns = torch.view_as_complex(_of_width(rope_tp2, rows.shape[3]))
        scaled = torch.stack((turns * rows.shape[-1] ** -0.5, turns))[:, None, None]
        _pairs_of_channels(rows[:2]).mul_(scaled)
        mixed, shares = _attend_rows(rows[0], rows[1], rows[2], spans)
        ctx.save_for_backward(rows, scaled, *shares)
        ctx.spans = spans
        return _from_rows(mixed[None], spans, len(qkv_n3hk))[:, 0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        rows, scaled, *shares = ctx.saved_tensors
        grad = _to_rows(grads[0][:, None], ctx.spans)[0]
        by_qkv = torch.empty_like(rows)
        by_qkv[1:] = 0
        _add_gradients(by_qkv, grad, rows, shares, ctx.spans)
        _pairs_of_channels(by_qkv[:2]).mul_(scaled.conj())
        return _from_rows(by_qkv, ctx.spans, len(grads[0])), None, None


def _attend_rows(
    q: Tensor, k: Tensor, v: Tensor, spans: GameSpans, absent_ru: Tensor | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Return the mix of values, (r, h, t, k), and each block's shares (r * h, q, u + s)."""
    u = k.shape[2] - q.shape[2]
    mixed, shares, future = torch.empty_like(q), [], None
    for begin, end, r in spans.blocks():
        future = _future(q, end - begin) if future is None else future
        scores = torch.bmm(_flat(q[:r, :, begin:end]), _flat(k[:r, :, : u + end]).mT)
        scores[..., u + begin :] += future
        if absent_ru is not None:
            by_head = scores.unflatten(0, (r, -1))
            by_head[..., :u].masked_fill_(absent_ru[:r, None, None], -torch.inf)
        shares.append(torch.softmax(scores, -1, out=scores))
        _flat(mixed[:r, :, begin:end]).baddbmm_(scores, _flat(v[:r, :, : u + end]), beta=0)
    return mixed, shares


def _add_gradients(
    by: Sequence[Tensor] | Tensor,
    grad: Tensor,
    qkv: Sequence[Tensor] | Tensor,
    shares: Sequence[Tensor],
    spans: GameSpans,
) -> None:
    """Set the gradient by scaled queries and add those by keys and values, in their rows."""
    (by_q, by_k, by_v), (q, k, v) = by, qkv
    u = k.shape[2] - q.shape[2]
    for (begin, end, r), share in zip(spans.blocks(), shares, strict=True):
        here = (slice(r), slice(None), slice(begin, end))
        seen = (slice(r), slice(None), slice(u + end))
        grad_here = _flat(grad[here])
        by_share = torch.bmm(grad_here, _flat(v[seen]).mT)
        by_scores = torch._softmax_backward_data(
            by_share, share, -1, share.dtype, grad_input=by_share
        )
        _flat(by_q[here]).baddbmm_(by_scores, _flat(k[seen]), beta=0)
        _flat(by_k[seen]).baddbmm_(by_scores.mT, _flat(q[here]))
        _flat(by_v[seen]).baddbmm_(share.mT, grad_here)


def _to_rows(x_nchk: Tensor, spans: GameSpans) -> Tensor:
    """Return a row a game, (c, r, h, t, k), zeros where a game is over."""
    _, c, heads, channels = x_nchk.shape
    *_, (_, width, _) = spans.blocks()
    rows = x_nchk.new_empty(c, len(spans.lengths), heads, width, channels)
    for row, (begin, end) in enumerate(spans.longest_first):
        rows[:, row, :, : end - begin] = x_nchk[begin:end].permute(1, 2, 0, 3)
        rows[:, row, :, end - begin :] = 0
    return rows


def _from_rows(rows_crhtk: Tensor, spans: GameSpans, n: int) -> Tensor:
    c, _, heads, _, channels = rows_crhtk.shape
    x_nchk = rows_crhtk.new_empty(n, c, heads, channels)
    for row, (begin, end) in enumerate(spans.longest_first):
        x_nchk[begin:end] = rows_crhtk[:, row, :, : end - begin].permute(2, 0, 1, 3)
    x_nchk[sum(spans.lengths) :] = 0
    return x_nchk


def _of_width(rope_tp2: Tensor, width: int) -> Tensor:
    return F.pad(rope_tp2[:width], (0, 0, 0, 0, 0, max(0, width - len(rope_tp2))))


def _pairs_of_channels(rows: Tensor) -> Tensor:
    """View rows as complex numbers, one a pair of channels."""
    return torch.view_as_complex(rows.unflatten(-1, (-1, 2)))


def _flat(x_rhij: Tensor) -> Tensor:
    """View games and heads as one dimension: possible since games lie at a head's distance."""
    return x_rhij.flatten(0, 1)


def _future(like: Tensor, size: int) -> Tensor:
    """Return (q, q), minus infinity where the key is after the query."""
    return like.new_full((size, size), -torch.inf).triu_(1)


def _round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit
