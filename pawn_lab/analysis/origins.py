"""What a run's values come from: its settings and seeds, or those of the trial that it measures."""

from itertools import pairwise
from typing import Any, NamedTuple

from pawn_core.config import RunConfig
from pawn_lab import configs
from pawn_lab.analysis.curves import Lineages
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import UnknownTrialError
from pawn_lab.lab import Lab
from pawn_lab.records import Trial
from pawn_lab.trials import subjects
from pawn_lab.trials.variants import SINGLE

LINEAGE = "lineage"
_STEP = "step"


class Origin(NamedTuple):
    """What runs of a group have in common, and the seeds by which they differ."""

    settings: dict[str, Any]
    """Those of a trial that is measured are named `weights.lr` and the like."""
    seeds: tuple[int, ...]
    measured: type[RunConfig] | None = None
    """The run type of the trial that is measured, which has the seeds."""
    unread: frozenset[str] = frozenset()
    """Settings that only another choice would have: no difference of their own."""


def essential(config: StoredConfig, on_gpu: bool | None = None) -> dict[str, Any]:
    """Return what was chosen of a config: no seeds, nothing incidental, nothing without effect."""
    kind, chosen = config.kind, config.settings(on_gpu)
    return {k: v for k, v in chosen.items() if k not in kind.incidental and k not in kind.seeds}


def _unread(config: StoredConfig) -> frozenset[str]:
    return config.parsed.unread() if config.parsed else frozenset()


def origin(lab: Lab, lineages: Lineages, trial: Trial, variant: str = SINGLE) -> Origin:
    """Return what a model of a trial comes from, by whatever the trial continues or measures."""
    own = _own(lab, lineages, trial, variant)
    field = trial.config.kind.measured_field
    weights = subjects.named(trial.config).get(field) if field else None
    if field is None or weights is None:
        return own
    try:
        *_, measured = lineages.of(weights.trial)
    except UnknownTrialError:
        return own
    theirs = _own(lab, lineages, measured, weights.model or SINGLE)
    settings = _in_place_of(field, own.settings, theirs.settings | {_STEP: weights.which})
    unread = frozenset(f"{field}.{name}" for name in theirs.unread)
    return Origin(settings, theirs.seeds, measured.config.kind, unread)


def _own(lab: Lab, lineages: Lineages, trial: Trial, variant: str) -> Origin:
    config = trial.config.of_model(variant)
    chosen = essential(config, lab.on_gpu(config))
    older = [
        (essential(ancestor.config.of_model(variant), lab.on_gpu(config)), child)
        for ancestor, child in pairwise(lineages.of(trial))
    ]
    earlier = [
        f"{_changes(before, chosen)} to {config.kind.progress.unit} {child.from_step}"
        for before, child in older
        if before != chosen
    ]
    if earlier:
        chosen[LINEAGE] = ", ".join(earlier)
    seeds = tuple(config.get(name, 0) for name in config.kind.seeds)
    return Origin(chosen, seeds, unread=_unread(config))


def _in_place_of(field: str, own: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return settings with those of what is measured in place of the field that names it."""
    rest = {name: value for name, value in own.items() if name != field}
    return rest | {f"{field}.{name}": value for name, value in theirs.items()}


def _changes(earlier: dict[str, Any], now: dict[str, Any]) -> str:
    pairs = configs.differing(earlier, now)
    return " ".join(f"{name}={before}" for name, (before, _) in pairs.items())
