"""Losses over a linear head of which only a chunk of the logits ever exists.

Shapes: n supervised positions, c positions of a chunk, d width, v vocabulary, e target entries,
m most legal moves of a position, s sums.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.data.targets import Targets
from pawn_core.model.head import HeadParts
from pawn_core.model.precision import as_computed
from pawn_core.model.products import matmul, transposed, weight_gradient

_CHUNK_ROWS = {"cpu": 256, "cuda": 16_384}  # CPU: a chunk's logits (2 MB) stay in the cache
_GPU_ROWS = 128
"""A chunk on a GPU has a multiple of so many rows, but for the last."""


class Residual(Protocol):
    """The gradient of a chunk's loss by its logits."""

    def times(self, weight_vd: Tensor) -> Tensor:
        """Return its product with the head, (c, d)."""
        ...

    def dense(self) -> Tensor:
        """Return it, (c, v)."""
        ...

    def scaled(self, scale_v: Tensor) -> Self:
        """Return it with each token's entries multiplied."""
        ...

    def by_token(self, factors_cv: Tensor | None = None) -> Tensor:
        """Return each token's sum over positions, (v,), of its entries times some factors."""
        ...


class DenseResidual(NamedTuple):
    """One with entries everywhere."""

    values_cv: Tensor

    def times(self, weight_vd: Tensor) -> Tensor:
        """Return its product with the head, (c, d)."""
        return matmul(self.values_cv, weight_vd)

    def dense(self) -> Tensor:
        """Return it, (c, v)."""
        return self.values_cv

    def scaled(self, scale_v: Tensor) -> "DenseResidual":
        """Return it with each token's entries multiplied."""
        return DenseResidual(self.values_cv * scale_v)

    def by_token(self, factors_cv: Tensor | None = None) -> Tensor:
        """Return each token's sum over positions, (v,), of its entries times some factors."""
        values_cv = self.values_cv if factors_cv is None else self.values_cv * factors_cv
        return values_cv.sum(dim=0)


class SparseResidual(NamedTuple):
    """One with entries at a few tokens: its product costs a tenth of the dense one's on a CPU."""

    tokens_cm: Tensor
    values_cm: Tensor
    vocabulary_size: int

    def times(self, weight_vd: Tensor) -> Tensor:
        """Return its product with the head, (c, d)."""
        values_cm = self.values_cm.to(weight_vd.dtype)
        return F.embedding_bag(self.tokens_cm, weight_vd, mode="sum", per_sample_weights=values_cm)

    def dense(self) -> Tensor:
        """Return it, (c, v)."""
        zeros_cv = self.values_cm.new_zeros(len(self.tokens_cm), self.vocabulary_size)
        return zeros_cv.scatter_add_(1, self.tokens_cm, self.values_cm)

    def scaled(self, scale_v: Tensor) -> "SparseResidual":
        """Return it with each token's entries multiplied."""
        return self._replace(values_cm=self.values_cm * scale_v[self.tokens_cm])

    def by_token(self, factors_cv: Tensor | None = None) -> Tensor:
        """Return each token's sum over positions, (v,), of its entries times some factors."""
        values_cm = self.values_cm
        if factors_cv is not None:
            values_cm = values_cm * factors_cv.gather(1, self.tokens_cm)
        zeros_v = values_cm.new_zeros(self.vocabulary_size)
        return zeros_v.index_add_(0, self.tokens_cm.flatten(), values_cm.flatten())


Criterion = Callable[[Tensor, slice], tuple[Tensor, Residual]]
"""Of a chunk's logits (c, v) as they were computed, in 16 bits say, and its positions: sums (s,) in
float32 or better, the loss first, and its gradient."""


def cross_entropy_criterion(targets: Targets) -> Criterion:
    """Return what makes the cross-entropy (1,) of logits, summed over positions, in nats."""
    return partial(_cross_entropy, targets)


def chunked_sums(
    hidden_nd: Tensor,
    head: HeadParts,
    criterion: Criterion,
    positions_n: Tensor | None = None,
    *,
    alignment: int = 1,
) -> Tensor:
    """Return a criterion's sums (s,) of the logits that a head makes of hidden states.

    The first, the loss, has gradients, where what it depends on needs any. `positions_n`: only of
    these hidden states, each once. With an alignment, logits have further columns up to a multiple
    of it, of no meaning, which the criterion leaves out and gives no gradient; a head that scales
    or shifts its logits adds none.
    """
    return _ChunkedSums.apply(hidden_nd, *head, criterion, positions_n, alignment)


def chunks_of(n: int, device_type: str) -> list[slice]:
    """Return the parts of n positions that are computed one after the other.

    On a GPU their sizes differ by little, whatever n is.
    """
    rows = _CHUNK_ROWS[device_type]
    if device_type != "cpu":
        equal = -(-n // -(-n // rows))
        rows = -(-equal // _GPU_ROWS) * _GPU_ROWS
    return [slice(begin, min(begin + rows, n)) for begin in range(0, n, rows)]


class _ChunkedSums(torch.autograd.Function):
    """The gradients are made in the forward pass, chunk by chunk, while the logits are at hand."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_nd: Tensor,
        weight_vd: Tensor,
        scale_v: Tensor | None,
        bias_v: Tensor | None,
        criterion: Criterion,
        positions_n: Tensor | None,
        alignment: int,
    ) -> Tensor:
        gradients = _Gradients.needed(ctx, hidden_nd, weight_vd, scale_v, bias_v)
        hidden_nd, weight_vd = as_computed(hidden_nd, weight_vd)  # once, not chunk by chunk
        if scale_v is None and bias_v is None:
            weight_vd = F.pad(weight_vd, (0, 0, 0, -len(weight_vd) % alignment))
        n = len(hidden_nd if positions_n is None else positions_n)
        weight_dv, sums = transposed(weight_vd), []
        for chunk in chunks_of(n, hidden_nd.device.type):
            rows = chunk if positions_n is None else positions_n[chunk]
            hidden_cd = hidden_nd[rows]
            products_cv = matmul(hidden_cd, weight_dv)
            logits_cv = _shifted(products_cv, scale_v, bias_v)
            chunk_sums, residual = criterion(logits_cv, chunk)
            sums.append(chunk_sums)
            gradients.add_to_head(residual, products_cv)
            residual = residual if scale_v is None else residual.scaled(scale_v)
            gradients.add_to_weight(residual, hidden_cd)
            gradients.set_hidden(rows, residual, weight_vd)
        ctx.save_for_backward(*gradients)
        return torch.stack(sums).sum(dim=0)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        scale = grads[0][0]
        by_each = (None if x is None else x * scale for x in ctx.saved_tensors)
        return *by_each, None, None, None


def _shifted(products_cv: Tensor, scale_v: Tensor | None, bias_v: Tensor | None) -> Tensor:
    """Return a head's logits: the products as they are, or scaled and shifted."""
    if scale_v is None and bias_v is None:
        return products_cv
    logits_cv = at_least_float32(products_cv)
    logits_cv = logits_cv if scale_v is None else logits_cv * scale_v
    return logits_cv if bias_v is None else logits_cv + bias_v


class _Gradients(NamedTuple):
    """By what the logits depend on; None where it needs none."""

    hidden_nd: Tensor | None
    weight_vd: Tensor | None
    scale_v: Tensor | None
    bias_v: Tensor | None

    @classmethod
    def needed(cls, ctx: Any, *by: Tensor | None) -> "_Gradients":
        """Return zeros for those that need a gradient."""
        pairs = zip(by, ctx.needs_input_grad, strict=False)
        return cls(*(torch.zeros_like(x) if x is not None and need else None for x, need in pairs))

    def add_to_head(self, residual: Residual, products_cv: Tensor) -> None:
        """Add what a chunk contributes to those of scale and bias."""
        if self.scale_v is not None:
            self.scale_v.add_(residual.by_token(at_least_float32(products_cv)))
        if self.bias_v is not None:
            self.bias_v.add_(residual.by_token())

    def add_to_weight(self, residual: Residual, hidden_cd: Tensor) -> None:
        """Add what a chunk contributes to that of the matrix."""
        if self.weight_vd is not None:
            gradient_vd = weight_gradient(residual.dense(), hidden_cd)
            self.weight_vd.add_(gradient_vd[: len(self.weight_vd)])

    def set_hidden(self, rows: slice | Tensor, residual: Residual, weight_vd: Tensor) -> None:
        """Set the gradient by a chunk's hidden states."""
        if self.hidden_nd is not None:
            products_cd = residual.times(weight_vd).to(self.hidden_nd.dtype)
            if isinstance(rows, slice):
                self.hidden_nd[rows] = products_cd
            else:
                self.hidden_nd.index_copy_(0, rows, products_cd)


def at_least_float32(x: Tensor) -> Tensor:
    """Return x as it is or, where it has fewer bits, in float32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _cross_entropy(
    targets: Targets, logits_cv: Tensor, positions: slice
) -> tuple[Tensor, DenseResidual]:
    """Return a chunk's loss (1,) and its gradient by the logits, `softmax(logits) - targets`."""
    logits_cv, begin = at_least_float32(logits_cv), positions.start
    rows, tokens = logits_cv.shape
    entries = slice(targets.starts[begin], targets.starts[begin + rows])
    weights_e = targets.weights_e[entries]
    rows_e = (targets.positions_e[entries] - begin).long()
    flat_e = rows_e * tokens + targets.tokens_e[entries]
    p_cv = logits_cv.softmax(dim=1)
    log_p_e = _log_p(p_cv, flat_e) if may_look_at(p_cv) else None
    if log_p_e is None:
        log_p_e = logits_cv.flatten()[flat_e] - normalizer(logits_cv, p_cv)[rows_e]
    p_cv.view(-1)[flat_e] -= weights_e
    return -torch.dot(weights_e, log_p_e)[None], DenseResidual(p_cv)


def may_look_at(x: Tensor) -> bool:
    """Whether a value can be asked for without waiting for a device."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def _log_p(p_cv: Tensor, flat_e: Tensor) -> Tensor | None:
    """Return log p of some tokens without a pass over all, or None where a p is too small."""
    p_e = p_cv.flatten()[flat_e]
    return p_e.log_() if bool((p_e > torch.finfo(p_e.dtype).tiny).all()) else None


def normalizer(logits_cv: Tensor, p_cv: Tensor) -> Tensor:
    """Return log sum exp of each row of logits (c,) whose softmax is at hand.

    It is the largest logit - log of the largest p: one exponential a logit, where log_softmax and
    its exponential take two, and log p itself would be that of 0.
    """
    return logits_cv.amax(dim=1) - p_cv.amax(dim=1).log_()
