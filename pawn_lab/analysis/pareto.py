"""Which trials no other beats in both of two numbers, among those whose losses are comparable."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pawn_core.config import PretrainConfig
from pawn_core.config.facts import Metric
from pawn_core.footprint import parameter_count
from pawn_lab.analysis.groups import Run
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import UnknownTrialError
from pawn_lab.lab import Lab, queries
from pawn_lab.trials import streams, subjects

Price = Literal["cost", "hours", "parameters"]
"""Money or device-hours until the best evaluation, its lineage included; parameters trained."""


class Placed(NamedTuple):
    """A run's best value and what it took to get there."""

    run: Run
    price: float
    value: float


def placed(lab: Lab, runs: Sequence[Run], price: Price, metric: Metric) -> list[Placed]:
    """Return the runs that have measured a value and have a price, each at its best value."""
    placements = []
    for run in filter(lambda run: run.has_measured, runs):
        point = min(run.points, key=lambda p: (metric.sign * p.value, p.step), default=None)
        if point is None:
            continue
        paid = _parameters(lab, run) if price == "parameters" else getattr(point, price)
        if paid is not None:
            placements.append(Placed(run, paid, point.value))
    return placements


def evaluated_alike(runs: Sequence[Placed]) -> list[list[Placed]]:
    """Return the runs by run type and evaluation set: only within one are values comparable."""
    sets: dict[str, list[Placed]] = {}
    for placement in runs:
        fields = sorted({"run_type", *placement.run.kind.measured_on})
        key = repr([placement.run.settings.get(name) for name in fields])
        sets.setdefault(key, []).append(placement)
    return list(sets.values())


def front(runs: Sequence[Placed], metric: Metric) -> list[Placed]:
    """Return the runs that none beats in one number and equals in the other, cheapest first."""
    kept: list[Placed] = []
    for placement in sorted(runs, key=lambda p: (p.price, metric.sign * p.value)):
        if not kept or metric.sign * placement.value < metric.sign * kept[-1].value:
            kept.append(placement)
    return kept


def _parameters(lab: Lab, run: Run) -> int | None:
    """Return how many parameters were trained of the model that a run trains or measures."""
    measured = run.kind.measured_field
    if measured is None:
        return _trained(lab, run.id, run.config)
    weights = subjects.named(run.trial.config).get(measured)
    if weights is None:
        return None
    try:
        subject = queries.trial(lab, weights.trial)
    except UnknownTrialError:
        return None
    return _trained(lab, subject.id, subject.config.of_model(weights.model))


def _trained(lab: Lab, trial_id: int, config: StoredConfig) -> int | None:
    """Return the parameters that a trial trains: all of a model from scratch, else as it says."""
    if isinstance(config.parsed, PretrainConfig):
        return parameter_count(config.parsed.architecture, config.parsed.vocabulary)
    count = streams.config_record(lab.paths.trial(trial_id)).get("trainable_parameters")
    return count if type(count) is int and count > 0 else None
