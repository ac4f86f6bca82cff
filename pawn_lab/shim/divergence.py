"""The rule against a training loss that climbs and stays high. Standard library only."""

import statistics
from collections import deque
from collections.abc import Iterable
from typing import Any

from pawn_core.metrics import MOST_NAME_CHARACTERS, TRAIN, number
from pawn_lab.shim.tail import Record

LOSSES = 20
"""Train records whose median counts: one bad batch is no divergence."""
MOST_VARIANTS = 100


class Divergence:
    """Whether the loss of a model has climbed far above what it had reached, and stays there.

    The variants of a cotraining run are models of their own.
    """

    def __init__(self, factor: float | None) -> None:
        self._factor = factor
        self._models: dict[str, _Losses] = {}

    def evidence(self, records: Iterable[Record]) -> dict[str, Any] | None:
        """Take note of new records; return the numbers once the rule holds, else None."""
        if self._factor is None:
            return None
        for name, step, loss in filter(None, map(_train, records)):
            if name not in self._models and len(self._models) == MOST_VARIANTS:
                continue
            model = self._models.setdefault(name, _Losses())
            climb = model.after(loss, self._factor)
            if climb is not None:
                variant = {"variant": name} if name else {}
                return variant | {"step": step} | climb | {"factor": self._factor}
        return None


class _Losses:
    """The training losses of one model."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=LOSSES)
        self._lowest: float | None = None

    def after(self, loss: float, factor: float) -> dict[str, float] | None:
        """Take note of a loss; return the medians once all recent ones are too high."""
        self._recent.append(loss)
        if len(self._recent) < LOSSES:
            return None
        median = statistics.median(self._recent)
        self._lowest = median if self._lowest is None else min(median, self._lowest)
        if self._lowest <= 0 or min(self._recent) <= factor * self._lowest:
            return None  # of a loss that is not positive no factor tells anything
        return {"median_loss": median, "lowest_median": self._lowest}


def _train(record: Record) -> tuple[str, int, float] | None:
    """Return variant, step and loss of a train record."""
    step, loss, name = record.get("step"), number(record.get("loss")), record.get("variant", "")
    if record.get("type") != TRAIN or not isinstance(name, str):
        return None
    if type(step) is not int or loss is None:
        return None
    return name[:MOST_NAME_CHARACTERS], step, float(loss)
