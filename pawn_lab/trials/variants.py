"""The models of a trial: one without a name, or the variants that a cotraining run trains at once.

The records of a variant's training and evaluations carry its name.
"""

import statistics
from collections.abc import Iterable
from typing import Any

from pawn_core.config.run import SINGLE

__all__ = ["SINGLE", "by_step", "records_of"]

Record = dict[str, Any]


def records_of(records: Iterable[Record], variant: str) -> list[Record]:
    """Return the records of one variant, and those of none in particular."""
    return [record for record in records if record.get("variant", variant) == variant]


def by_step(records: Iterable[Record], metric: str) -> dict[int, float]:
    """Return a metric of the evaluations by step: the mean, where all variants have it."""
    values: dict[int, dict[str, float]] = {}
    evaluations = [record for record in records if record["type"] == "eval"]
    for record in evaluations:
        if isinstance(record.get(metric), int | float):
            values.setdefault(record["step"], {})[record.get("variant", SINGLE)] = record[metric]
    count = len({record.get("variant", SINGLE) for record in evaluations})
    return {s: statistics.fmean(v.values()) for s, v in values.items() if len(v) == count}
