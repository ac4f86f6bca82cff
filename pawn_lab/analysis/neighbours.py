"""Past trials near a config: the same again, the most alike, and what would confound them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pawn_lab.analysis.origins import essential
from pawn_lab.configs import Pairs, StoredConfig, differing
from pawn_lab.records import Trial

MOST_COMPARED = 500
"""The newest so many trials are looked at."""


class Neighbour(NamedTuple):
    """A past trial and the settings in which it differs, as `field: [theirs, ours]`."""

    trial: Trial
    differs: Pairs


def duplicates(config: StoredConfig, trials: Iterable[Trial]) -> list[int]:
    """Return the trials from scratch that have this setting and its seeds."""
    ours = _with_seeds(config)
    return [t.id for t in trials if t.parent is None and _with_seeds(t.config) == ours]


def nearest(config: StoredConfig, trials: list[Trial], count: int) -> list[Neighbour]:
    """Return the trials with the fewest different settings, newest first among equals."""
    newest = sorted(trials, key=lambda trial: -trial.id)[:MOST_COMPARED]
    same_run = [trial for trial in newest if trial.config["run_type"] == config["run_type"]]
    ours = essential(config)
    near = [Neighbour(trial, differing(essential(trial.config), ours)) for trial in same_run]
    return sorted(near, key=lambda neighbour: len(neighbour.differs))[:count]


def confounds(neighbours: list[Neighbour]) -> list[str]:
    """Say with which neighbours a comparison would have more than one cause."""
    return [
        f"differs from trial {near.trial.id} in {', '.join(near.differs)}: a difference between "
        "them has no single cause"
        for near in neighbours
        if len(near.differs) > 1
    ]


def _with_seeds(config: StoredConfig) -> tuple[dict[str, Any], list[Any]]:
    return essential(config), [config.get(name) for name in config.kind.seeds]
