"""Causal attention within games that lie one after the other in one sequence, for a CPU.

Nothing is computed on padding but in the last block of each game. A block of queries of all games
that reach it meets its keys in one batched product, which on a CPU with bfloat16 products is 2 to
3 times as fast as torch's fused attention, its backward pass above all.

Texts that go on from one prompt lie after all prompts; the keys of each prompt are computed once.

Shapes: n tokens of all games (and fillers after them), h heads, k channels of a head, r games,
longest first, t time, q and s queries and keys of a block, p prompts, u tokens of a prompt.
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
        q, k, v = (_to_rows(x, spans) for x in (q_nhk, k_nhk, v_nhk))
        if k_rhuk is not None and v_rhuk is not None:
            k, v = torch.cat((k_rhuk, k), 2), torch.cat((v_rhuk, v), 2)
        q *= q.shape[-1] ** -0.5
        u = k.shape[2] - q.shape[2]
        mixed, shares = torch.empty_like(q), []
        for begin, end, r in spans.blocks():
            scores = _pairs(q[:r, :, begin:end], k[:r, :, : u + end])
            scores[..., u + begin :] += _future(scores, end - begin)
            if absent_ru is not None:
                scores[..., :u].masked_fill_(absent_ru[:r, None, None], -torch.inf)
            shares.append(scores.softmax(-1))
            mixed[:r, :, begin:end] = _mix(shares[-1], v[:r, :, : u + end])
        ctx.save_for_backward(q, k, v, *shares)
        ctx.spans = spans
        return _from_rows(mixed, spans, q_nhk)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, *shares = ctx.saved_tensors
        u = k.shape[2] - q.shape[2]
        grad = _to_rows(grads[0], ctx.spans)
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (begin, end, r), share in zip(ctx.spans.blocks(), shares, strict=True):
            here = (slice(r), slice(None), slice(begin, end))
            seen = (slice(r), slice(None), slice(u + end))
            grad_share = _pairs(grad[here], v[seen])
            grad_scores = torch._softmax_backward_data(grad_share, share, -1, share.dtype)
            grad_q[here] = _mix(grad_scores, k[seen])
            grad_k[seen] += _mix(grad_scores.mT, q[here])
            grad_v[seen] += _mix(share.mT, grad[here])
        grad_q *= q.shape[-1] ** -0.5
        own = (grad_q, grad_k[:, :, u:], grad_v[:, :, u:])
        of_q, of_k, of_v = (_from_rows(x, ctx.spans, grads[0]) for x in own)
        before = (grad_k[:, :, :u], grad_v[:, :, :u]) if u else (None, None)
        return of_q, of_k, of_v, None, *before, None


def _to_rows(x_nhk: Tensor, spans: GameSpans) -> Tensor:
    """Return a row a game, (r, h, t, k), zeros where a game is over."""
    _, heads, channels = x_nhk.shape
    *_, (_, width, _) = spans.blocks()
    rows = x_nhk.new_zeros(len(spans.lengths), heads, width, channels)
    for row, (begin, end) in zip(rows, spans.longest_first, strict=True):
        row[:, : end - begin] = x_nhk[begin:end].transpose(0, 1)
    return rows


def _from_rows(rows_rhtk: Tensor, spans: GameSpans, like_nhk: Tensor) -> Tensor:
    x_nhk = torch.empty_like(like_nhk, memory_format=torch.contiguous_format)
    for row, (begin, end) in zip(rows_rhtk, spans.longest_first, strict=True):
        x_nhk[begin:end] = row[:, : end - begin].transpose(0, 1)
    x_nhk[sum(spans.lengths) :] = 0
    return x_nhk


def _pairs(x_rhqk: Tensor, y_rhsk: Tensor) -> Tensor:
    """Return the product of every two vectors, (r, h, q, s)."""
    return torch.bmm(_flat(x_rhqk), _flat(y_rhsk).mT).unflatten(0, x_rhqk.shape[:2])


def _mix(shares_rhqs: Tensor, y_rhsk: Tensor) -> Tensor:
    """Return sums of vectors, weighted: (r, h, q, k)."""
    return torch.bmm(_flat(shares_rhqs), _flat(y_rhsk)).unflatten(0, shares_rhqs.shape[:2])


def _flat(x_rhij: Tensor) -> Tensor:
    """View games and heads as one dimension: possible since games lie at a head's distance."""
    return x_rhij.flatten(0, 1)


def _future(like: Tensor, size: int) -> Tensor:
    """Return (q, q), minus infinity where the key is after the query."""
    return like.new_full((size, size), -torch.inf).triu_(1)


def _round_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit
