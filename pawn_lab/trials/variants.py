"""The models of a trial: one without a name, or the variants that a cotraining run trains at once.

The records of a variant's training and evaluations carry its name.
"""

import statistics
from collections.abc import Iterable
from typing import Any

from pawn_core.config.cotrain import CotrainConfig
from pawn_lab.trials import configs

Config = dict[str, Any]
Record = dict[str, Any]

SINGLE = ""
"""The name of a trial's only model."""


def names(config: Config) -> list[str]:
    """Return the names of a trial's models."""
    variants = config.get("variants") if config["run_type"] == "cotrain" else None
    return list(variants) if isinstance(variants, dict) and variants else [SINGLE]


def config_of(config: Config, variant: str) -> Config:
    """Return the config of the run that a variant equals; of a single model the trial's own."""
    if variant == SINGLE:
        return config
    resolved = configs.known(config)
    if isinstance(resolved, CotrainConfig) and variant in resolved.variants:
        member = resolved.members()[variant].model_dump(mode="json")
        return member | configs.unknown_fields(config)
    own = config["variants"].get(variant) if isinstance(config.get("variants"), dict) else None
    return {"variant": variant} | config | (own if isinstance(own, dict) else {})


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
