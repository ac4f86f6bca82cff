"""The training loss of a batch, in the form that is fastest where it runs.

Shapes: b batch, t time, n supervised positions, v vocabulary, e target entries, m most legal moves
of a position.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.data.sequences import Batch, Rows
from pawn_core.data.targets import one_token_each
from pawn_core.model import Transformer
from pawn_core.model.attention import Packed
from pawn_core.model.legal_loss import PlayedMoves, dense_legal_loss_sums, legal_loss_sums
from pawn_core.model.loss import linear_cross_entropy
from pawn_core.model.sizes import rounded
from pawn_core.model.spans import GameSpans
from pawn_core.runtime import Runtime

_IGNORED = -100

Objective = Callable[[Batch], Tensor]
"""The cross-entropy summed over a batch's supervised positions, in nats; or that against legal
moves, and how often the move played is the likeliest of them."""

HiddenOf = Callable[[Transformer, Batch], Tensor]


def build_objective(
    model: Transformer, runtime: Runtime, *, fixed_shapes: bool = False
) -> Objective:
    """Return the loss: chunked where nothing is compiled, else dense, for the compiler to fuse.

    With fixed shapes of the tokens, the compiler makes one function for each, and no more.
    Uncompiled on a CPU, games lie one after the other in any batching: no padding is computed.
    """
    if runtime.compiled:
        return _compiled(model, runtime, fixed_shapes)
    return _chunked(model, _hidden_of(model, runtime))


def build_legal_objective(
    model: Transformer,
    runtime: Runtime,
    illegal_penalty: float | None,
    *,
    fixed_shapes: bool = False,
) -> Objective:
    """Return the loss of moves played beside those that are legal, in the same forms.

    See `pawn_core.model.legal_loss` for what it is.
    """
    if runtime.compiled:
        return _compiled_legal(model, runtime, illegal_penalty, fixed_shapes)
    hidden_of = _hidden_of(model, runtime)

    def sums(batch: Batch) -> Tensor:
        hidden_nd = hidden_of(model, batch)
        return legal_loss_sums(hidden_nd, model.lm_head.parts(), _played(batch), illegal_penalty)

    return sums


def build_logits(model: Transformer, runtime: Runtime) -> Objective:
    """Return the logits (n, v) at a batch's supervised positions, in the same forms."""
    if runtime.compiled:
        logits_at = runtime.compile(model.forward_at)
        return lambda batch: logits_at(batch.tokens_bt, batch.positions_n)
    hidden_of = _hidden_of(model, runtime)
    return lambda batch: model.lm_head(hidden_of(model, batch))


def _hidden_of(model: Transformer, runtime: Runtime) -> HiddenOf:
    """Return what computes hidden states (n, d) at supervised positions, uncompiled."""
    if runtime.device.type == "cpu":
        return _hidden_of_games
    return _hidden_in_rows(runtime.mask_maker(model.head_channels))


def _hidden_in_rows(mask_of: Callable[[Rows], Any]) -> HiddenOf:
    """Return what computes the same as games lie in rows, without waiting for a device."""

    def hidden(model: Transformer, batch: Batch) -> Tensor:
        return model.hidden_at(batch.tokens_bt, batch.positions_n, _packed(batch, mask_of))

    return hidden


def _hidden_of_games(model: Transformer, batch: Batch) -> Tensor:
    """Return the same: supervised positions are all tokens of a game, game by game.

    Fillers round their number up.
    """
    width, n = batch.tokens_bt.shape[1], len(batch.positions_n)
    positions = F.pad(batch.positions_n, (0, rounded(n) - n))
    times = batch.rows.times_bt.flatten()[positions] if batch.rows else positions % width
    begins = (times[:n] == 0).nonzero().flatten().tolist()
    spans = GameSpans([end - begin for begin, end in pairwise([*begins, n])])
    tokens = batch.tokens_bt.flatten()[positions]
    return model.hidden_at(tokens[None], None, Packed(times[None], spans))[:n]


def _chunked(model: Transformer, hidden_of: HiddenOf) -> Objective:
    def loss(batch: Batch) -> Tensor:
        hidden_nd = hidden_of(model, batch)
        targets = batch.exact or one_token_each(batch.targets_n)
        return linear_cross_entropy(hidden_nd, model.lm_head.weight, targets)

    return loss


def _compiled(model: Transformer, runtime: Runtime, fixed_shapes: bool) -> Objective:
    def sampled_loss(
        tokens_bt: Tensor, positions_n: Tensor | None, packed: Packed | None, targets_n: Tensor
    ) -> Tensor:
        logits_nv = model.forward_at(tokens_bt, positions_n, packed)
        return F.cross_entropy(logits_nv, targets_n, reduction="sum", ignore_index=_IGNORED)

    def exact_loss(
        tokens_bt: Tensor,
        positions_n: Tensor | None,
        packed: Packed | None,
        rows_e: Tensor,
        tokens_e: Tensor,
        weights_e: Tensor,
    ) -> Tensor:
        log_p_nv = model.forward_at(tokens_bt, positions_n, packed).float().log_softmax(dim=1)
        return -(weights_e * log_p_nv[rows_e, tokens_e.long()]).sum()

    dynamic = False if fixed_shapes else None
    sampled = runtime.compile(sampled_loss, dynamic=dynamic)
    exact = runtime.compile(exact_loss, dynamic=dynamic)
    mask_of = runtime.mask_maker(model.head_channels)

    def loss(batch: Batch) -> Tensor:
        positions_n = None if batch.rows else of_any_size(batch.positions_n)
        where = (batch.tokens_bt, positions_n, _packed(batch, mask_of))
        if batch.exact is None:
            return sampled(*where, _next_tokens(batch))
        entries = (_entry_rows(batch), batch.exact.tokens_e, batch.exact.weights_e)
        return exact(*where, *map(of_any_size, entries))

    return loss


def _compiled_legal(
    model: Transformer, runtime: Runtime, illegal_penalty: float | None, fixed_shapes: bool
) -> Objective:
    def legal_loss(
        tokens_bt: Tensor,
        positions_n: Tensor | None,
        packed: Packed | None,
        rows_n: Tensor,
        played: PlayedMoves,
    ) -> Tensor:
        logits_nv = model.forward_at(tokens_bt, positions_n, packed)
        return dense_legal_loss_sums(logits_nv, rows_n, played, illegal_penalty)

    compiled = runtime.compile(legal_loss, dynamic=False if fixed_shapes else None)
    mask_of = runtime.mask_maker(model.head_channels)

    def sums(batch: Batch) -> Tensor:
        positions_n = None if batch.rows else of_any_size(batch.positions_n)
        rows_n = of_any_size(_computed_rows(batch))
        played = PlayedMoves(*(of_any_size(x) for x in _played(batch)))
        return compiled(batch.tokens_bt, positions_n, _packed(batch, mask_of), rows_n, played)

    return sums


def _played(batch: Batch) -> PlayedMoves:
    assert batch.legal is not None
    return PlayedMoves(batch.targets_n, batch.legal)


def of_any_size(tensor: Tensor) -> Tensor:
    """Tell the compiler that lengths differ from step to step, before it takes them for fixed."""
    for dimension in range(tensor.dim()):
        torch._dynamo.maybe_mark_dynamic(tensor, dimension)
    return tensor


def _packed(batch: Batch, mask_of: Callable[[Rows], Any]) -> Packed | None:
    return Packed(batch.rows.times_bt, mask_of(batch.rows)) if batch.rows else None


def _next_tokens(batch: Batch) -> Tensor:
    """Return the targets of the computed positions: in packed rows all of them, padding ignored."""
    if batch.rows is None:
        return of_any_size(batch.targets_n)
    targets = torch.full_like(batch.tokens_bt, _IGNORED).flatten()
    targets[batch.positions_n] = batch.targets_n
    return targets


def _computed_rows(batch: Batch) -> Tensor:
    """Return where supervised positions are among the computed ones."""
    if batch.rows:
        return batch.positions_n
    return torch.arange(len(batch.positions_n), device=batch.positions_n.device)


def _entry_rows(batch: Batch) -> Tensor:
    """Return each target entry's position among the computed ones."""
    assert batch.exact is not None
    rows_e = batch.exact.positions_e
    return batch.positions_n[rows_e] if batch.rows else rows_e
