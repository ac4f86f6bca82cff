"""Causal attention within games that lie one after the other in one sequence, for a CPU.

Nothing is computed on padding but in the last block of each game. A block of queries of all games
that reach it meets its keys in one batched product, which on a CPU with bfloat16 products is 2 to
3 times as fast as torch's fused attention, its backward pass above all.

Shapes: n tokens of all games (and fillers after them), h heads, k channels of a head, r games,
longest first, t time, q and s queries and keys of a block.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

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


def attend_spans(q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, spans: GameSpans) -> Tensor:
    """Return attention's mix of the values, (n, h, k): each token sees its game up to itself.

    Fillers see nothing and get zeros.
    """
    return _GameAttention.apply(q_nhk, k_nhk, v_nhk, spans)


class _GameAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, spans: GameSpans) -> Tensor:
        q, k, v = (_to_rows(x, spans) for x in (q_nhk, k_nhk, v_nhk))
        q *= q.shape[-1] ** -0.5
        mixed, shares = torch.empty_like(q), []
        for begin, end, r in spans.blocks():
            scores = _pairs(q[:r, :, begin:end], k[:r, :, :end])
            scores[..., begin:] += _future(scores, end - begin)
            shares.append(scores.softmax(-1))
            mixed[:r, :, begin:end] = _mix(shares[-1], v[:r, :, :end])
        ctx.save_for_backward(q, k, v, *shares)
        ctx.spans = spans
        return _from_rows(mixed, spans, q_nhk)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, *shares = ctx.saved_tensors
        grad = _to_rows(grads[0], ctx.spans)
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (begin, end, r), share in zip(ctx.spans.blocks(), shares, strict=True):
            here = (slice(r), slice(None), slice(begin, end))
            seen = (slice(r), slice(None), slice(end))
            grad_share = _pairs(grad[here], v[seen])
            grad_scores = torch._softmax_backward_data(grad_share, share, -1, share.dtype)
            grad_q[here] = _mix(grad_scores, k[seen])
            grad_k[seen] += _mix(grad_scores.mT, q[here])
            grad_v[seen] += _mix(share.mT, grad[here])
        grad_q *= q.shape[-1] ** -0.5
        of_q, of_k, of_v = (_from_rows(x, ctx.spans, grads[0]) for x in (grad_q, grad_k, grad_v))
        return of_q, of_k, of_v, None


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
