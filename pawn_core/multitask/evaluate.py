"""Let a position model say what it sees in labelled positions."""

from collections.abc import Callable, Iterable, Sequence

import torch

from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.multitask.tally import MultitaskTally
from pawn_core.position_model import Outputs, PositionModel
from pawn_core.positions import PositionBatch


@torch.inference_mode()
def evaluate(
    model: PositionModel,
    batches: Iterable[PositionBatch],
    sources: Sequence[str],
    check: Callable[[], None] = lambda: None,
    *,
    with_tasks: bool = True,
) -> MultitaskTally:
    """Return what a model says of batches of labelled positions.

    Args:
        batches: on the model's device.
        sources: what `source_n` of a batch is an index into.
        check: called before each batch; what it raises ends the work.
        with_tasks: whether the model's tasks are measured too, beside policy and value.
    """
    tally, training = MultitaskTally(sources), model.training
    model.eval()
    try:
        for batch in batches:
            check()
            outputs = seen(model, batch) if with_tasks else model(batch.planes, tasks=())
            tally.add(outputs, batch)
    finally:
        model.train(training)
    return tally


def seen(model: PositionModel, batch: PositionBatch) -> Outputs:
    """Return what a model says of whole positions, and of hidden squares behind the batch's mask.

    A model that is asked for squares which it is shown would copy them; all else is asked of the
    whole position, as it is in play.
    """
    hidden = [t.name for t in POSITION_TASKS if t.of_hidden and t.name in model.spec.tasks]
    shown = [name for name in model.spec.tasks if name not in hidden]
    outputs = model(batch.planes, None, tasks=shown)
    if not hidden or batch.piece_mask is None:
        return outputs
    behind = model(batch.planes, batch.piece_mask, tasks=hidden)
    return outputs._replace(tasks=outputs.tasks | behind.tasks)
