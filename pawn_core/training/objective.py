"""The training loss of a batch, in the form that is fastest where it runs."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from pawn_core.data.sequences import Batch
from pawn_core.data.targets import one_token_each
from pawn_core.model import Transformer
from pawn_core.model.loss import linear_cross_entropy
from pawn_core.runtime import Runtime

Objective = Callable[[Batch], Tensor]
"""The cross-entropy summed over a batch's supervised positions, in nats."""


def build_objective(model: Transformer, runtime: Runtime) -> Objective:
    """Return the loss: chunked where nothing is compiled, else dense, for the compiler to fuse."""
    return _compiled(model, runtime) if runtime.compiled else _chunked(model)


def _chunked(model: Transformer) -> Objective:
    def loss(batch: Batch) -> Tensor:
        hidden_nd = model.hidden_at(batch.tokens_bt, batch.positions_n)
        targets = batch.exact or one_token_each(batch.targets_n)
        return linear_cross_entropy(hidden_nd, model.lm_head.weight, targets)

    return loss


def _compiled(model: Transformer, runtime: Runtime) -> Objective:
    def sampled_loss(tokens_bt: Tensor, positions_n: Tensor, targets_n: Tensor) -> Tensor:
        logits_nv = model.forward_at(tokens_bt, positions_n)
        return F.cross_entropy(logits_nv, targets_n, reduction="sum")

    def exact_loss(
        tokens_bt: Tensor, positions_n: Tensor, rows_e: Tensor, tokens_e: Tensor, weights_e: Tensor
    ) -> Tensor:
        log_p_nv = model.forward_at(tokens_bt, positions_n).float().log_softmax(dim=1)
        return -(weights_e * log_p_nv[rows_e, tokens_e]).sum()

    sampled, exact = runtime.compile(sampled_loss), runtime.compile(exact_loss)

    def loss(batch: Batch) -> Tensor:
        inputs, targets = (batch.tokens_bt, batch.positions_n), batch.exact
        if targets is None:
            return sampled(*inputs, batch.targets_n)
        return exact(*inputs, targets.positions_e, targets.tokens_e, targets.weights_e)

    return loss
