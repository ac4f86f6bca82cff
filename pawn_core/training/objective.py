"""The training loss of a batch, in the form that is fastest where it runs.

Shapes: c positions of a chunk, n supervised positions, v vocabulary, w columns of a chunk's
logits, m most legal moves of a position.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from pawn_core.data.sequences import Batch
from pawn_core.data.targets import Targets, one_token_each
from pawn_core.model import Transformer, fused
from pawn_core.model.legal_loss import PlayedMoves, legal_criterion
from pawn_core.model.loss import Criterion, DenseResidual, chunked_sums, cross_entropy_criterion
from pawn_core.runtime import Runtime
from pawn_core.training.hidden import build_hidden, compiled_hidden

Objective = Callable[[Batch], Tensor]
"""The cross-entropy summed over a batch's supervised positions, in nats; or that against legal
moves, and how often the move played is the likeliest of them."""

_CriterionOf = Callable[[Batch], Criterion]


def build_objective(
    model: Transformer, runtime: Runtime, *, fixed_shapes: bool = False
) -> Objective:
    """Return the loss, chunk by chunk; compiled, the logits of a chunk are all that exists of them.

    With fixed shapes of the tokens, the compiler makes one function for each, and no more.
    """
    fused_or_fixed = runtime.compiled or runtime.graphs  # whose batches have targets of none
    criterion_of = _fused_cross_entropy(model, runtime) if fused_or_fixed else _cross_entropy
    sums = _build_sums(model, runtime, criterion_of, fixed_shapes)
    return lambda batch: sums(batch)[0]


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

    def criterion_of(batch: Batch) -> Criterion:
        return legal_criterion(_played(batch), illegal_penalty)

    if runtime.compiled:
        criterion_of = _fused_legal(model, runtime, illegal_penalty)
    return _build_sums(model, runtime, criterion_of, fixed_shapes)


def build_logits(model: Transformer, runtime: Runtime) -> Objective:
    """Return the logits (n, v) at a batch's supervised positions, in the same forms."""
    hidden_of = build_hidden(model, runtime)

    def logits(batch: Batch) -> Tensor:
        hidden_nd, positions_n = hidden_of(batch)
        return model.lm_head(hidden_nd if positions_n is None else hidden_nd[positions_n])

    return logits


def build_logits_at(model: Transformer, runtime: Runtime) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the logits (n, v) of tokens (b, t) at flat positions, padding computed."""
    if not runtime.compiled:
        return model.forward_at
    hidden_of = compiled_hidden(model, runtime)
    return lambda tokens_bt, positions_n: model.lm_head(
        hidden_of(tokens_bt, None).flatten(0, 1)[positions_n]
    )


def _build_sums(
    model: Transformer, runtime: Runtime, criterion_of: _CriterionOf, fixed_shapes: bool
) -> Objective:
    """Return a criterion's sums over the supervised positions of a batch."""
    hidden_of = build_hidden(model, runtime, fixed_shapes=fixed_shapes)
    alignment = fused.ALIGNMENT if runtime.compiled else 1

    def sums(batch: Batch) -> Tensor:
        hidden_nd, positions_n = hidden_of(batch)
        criterion = criterion_of(batch)
        head = model.lm_head.parts()
        return chunked_sums(hidden_nd, head, criterion, positions_n, alignment=alignment)

    return sums


def _cross_entropy(batch: Batch) -> Criterion:
    return cross_entropy_criterion(batch.exact or one_token_each(batch.targets_n))


def _fused_cross_entropy(model: Transformer, runtime: Runtime) -> _CriterionOf:
    v = len(model.lm_head.weight)
    one_token, distribution = runtime.compile(fused.one_token), runtime.compile(fused.distribution)
    rows_of = _rows if runtime.compiled else _as_it_is

    def of_tokens(
        targets_n: Tensor, logits_cw: Tensor, chunk: slice
    ) -> tuple[Tensor, DenseResidual]:
        sums, residual_cw = one_token(rows_of(logits_cw), rows_of(targets_n[chunk]), v)
        return sums, DenseResidual(residual_cw)

    def of_weights(
        targets_n: Tensor, exact: Targets, logits_cw: Tensor, chunk: slice
    ) -> tuple[Tensor, DenseResidual]:
        entries = slice(exact.starts[chunk.start], exact.starts[chunk.stop])
        rows_e = rows_of(exact.positions_e[entries] - chunk.start)
        weights = (rows_e, rows_of(exact.tokens_e[entries]), rows_of(exact.weights_e[entries]))
        sums, residual_cw = distribution(rows_of(logits_cw), rows_of(targets_n[chunk]), *weights, v)
        return sums, DenseResidual(residual_cw)

    def criterion_of(batch: Batch) -> Criterion:
        if batch.exact is None:
            return partial(of_tokens, batch.targets_n)
        return partial(of_weights, batch.targets_n, batch.exact)

    return criterion_of


def _fused_legal(
    model: Transformer, runtime: Runtime, illegal_penalty: float | None
) -> _CriterionOf:
    v = len(model.lm_head.weight)
    legal_moves = runtime.compile(fused.legal_moves)

    def of_moves(
        played: PlayedMoves, logits_cw: Tensor, chunk: slice
    ) -> tuple[Tensor, DenseResidual]:
        moves = (_rows(played.targets_n[chunk]), of_any_size(played.legal_nm[chunk]))
        sums, residual_cw = legal_moves(_rows(logits_cw), *moves, illegal_penalty, v)
        return sums, DenseResidual(residual_cw)

    return lambda batch: partial(of_moves, _played(batch))


def _rows(tensor: Tensor) -> Tensor:
    """Let the compiler take any number of rows."""
    return of_any_size(tensor, 0)


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


def of_any_size(tensor: Tensor, *dimensions: int) -> Tensor:
    """Tell the compiler that lengths differ from step to step, before it takes them for fixed.

    By default those of all dimensions.
    """
    for dimension in dimensions or range(tensor.dim()):
        torch._dynamo.maybe_mark_dynamic(tensor, dimension)
    return tensor


def _played(batch: Batch) -> PlayedMoves:
    assert batch.legal is not None
    return PlayedMoves(batch.targets_n, batch.legal)
