"""Past trials near a config: the same again, the most alike, and what would confound them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pawn_lab.analysis.groups import INCIDENTAL, SEEDS, essential
from pawn_lab.records import Trial

MOST_COMPARED = 500
"""The newest so many trials are looked at."""


class Neighbour(NamedTuple):
    """A past trial and the settings in which it differs, as `field: [theirs, ours]`."""

    trial: Trial
    differs: dict[str, list[Any]]


def duplicates(config: dict[str, Any], trials: Iterable[Trial]) -> list[int]:
    """Return the trials from scratch that have this config and its seeds."""
    ours = _chosen(config)
    return [t.id for t in trials if t.parent is None and _chosen(t.config) == ours]


def nearest(config: dict[str, Any], trials: list[Trial], count: int) -> list[Neighbour]:
    """Return the trials with the fewest different settings, newest first among equals."""
    newest = sorted(trials, key=lambda trial: -trial.id)[:MOST_COMPARED]
    same_run = [trial for trial in newest if trial.config["run_type"] == config["run_type"]]
    ranked = sorted(same_run, key=lambda trial: _distance(trial.config, config))[:count]
    return [Neighbour(trial, _differences(trial.config, config)) for trial in ranked]


def confounds(neighbours: list[Neighbour]) -> list[str]:
    """Say with which neighbours a comparison would have more than one cause."""
    return [
        f"differs from trial {near.trial.id} in {', '.join(near.differs)}: a difference between "
        "them has no single cause"
        for near in neighbours
        if len(near.differs) > 1
    ]


def _chosen(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in INCIDENTAL}


def _distance(a: dict[str, Any], b: dict[str, Any]) -> int:
    apart = {name for name in {*a, *b} if a.get(name) != b.get(name)}
    return len(apart - INCIDENTAL - set(SEEDS))


def _differences(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, list[Any]]:
    a, b = essential(theirs), essential(ours)
    return {n: [a.get(n), b.get(n)] for n in dict.fromkeys([*a, *b]) if a.get(n) != b.get(n)}
