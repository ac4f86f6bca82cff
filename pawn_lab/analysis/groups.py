"""Runs grouped by settings, seeds aside, and the reasons why two groups cannot be compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from pawn_core.config import RunConfig
from pawn_core.config.facts import Metric
from pawn_lab import configs
from pawn_lab.analysis.curves import Lineages, Point, curve
from pawn_lab.analysis.origins import origin
from pawn_lab.configs import StoredConfig, setting_text
from pawn_lab.lab import Lab
from pawn_lab.records import Trial
from pawn_lab.trials.variants import SINGLE

_NONE = object()
"""Equal to no value."""
BASELINE = "baseline"
"""What a run or a group is called that sets nothing that others do not."""


@dataclass(frozen=True)
class Run:
    """A model of a trial with its settings, its seeds and its curve of one metric."""

    trial: Trial
    settings: dict[str, Any]
    seeds: tuple[int, ...]
    """Values of the fields that its run type calls seeds; of a measurement, what it measures."""
    points: list[Point]
    variant: str = SINGLE
    measured: type[RunConfig] | None = None
    """The run type of the trial that it measures."""
    unread: frozenset[str] = frozenset()
    """Settings that only another choice would have."""

    @property
    def config(self) -> StoredConfig:
        """Config of the trial, or of the run that the variant equals."""
        return self.trial.config.of_model(self.variant)

    @property
    def kind(self) -> type[RunConfig]:
        """Its run type."""
        return self.trial.config.kind

    @property
    def seed_fields(self) -> tuple[str, ...]:
        """The names of its seeds."""
        return (self.measured or self.kind).seeds

    @property
    def learned_from(self) -> set[str]:
        """The settings that, with the seeds, decide what each step learns from."""
        names = (self.measured or self.kind).learned_from
        prefix = f"{self.kind.measured_field}." if self.measured else ""
        return {f"{prefix}{name}" for name in names}

    @property
    def name(self) -> str:
        """Trial number, with the variant's name where there are several."""
        return str(self.id) if self.variant == SINGLE else f"{self.id} {self.variant}"

    @property
    def has_measured(self) -> bool:
        """Whether a value is its own, not of a trial that it continues."""
        start = self.trial.from_step
        return any(start is None or point.step > start for point in self.points)

    @property
    def id(self) -> int:
        """Trial number."""
        return self.trial.id


@dataclass(frozen=True)
class Group:
    """Runs that differ by nothing but their seeds; the seeds are all different."""

    settings: dict[str, Any]
    runs: list[Run]

    @property
    def unread(self) -> frozenset[str]:
        """Settings that only another choice would have."""
        return self.runs[0].unread

    @property
    def kind(self) -> type[RunConfig]:
        """The run type of them all."""
        return self.runs[0].kind

    def seeds_of(self, field: str) -> set[int]:
        """Return the values of a seed; none of one that its run type does not have."""
        numbers = [dict(zip(run.seed_fields, run.seeds, strict=True)) for run in self.runs]
        return {own[field] for own in numbers if field in own}


def runs_of(lab: Lab, trials: Iterable[Trial], metric: Metric) -> list[Run]:
    """Read settings and curve of each model of the trials."""
    asked = list(trials)
    lineages = Lineages(lab, asked)
    return [
        _run(lab, lineages, trial, metric, name) for trial in asked for name in trial.config.models
    ]


def _run(lab: Lab, lineages: Lineages, trial: Trial, metric: Metric, variant: str) -> Run:
    points = curve(lab, trial, metric, variant, lineages)
    return replace(without_points(lab, lineages, trial, variant), points=points)


def without_points(lab: Lab, lineages: Lineages, trial: Trial, variant: str) -> Run:
    """Return a model of a trial with its settings and seeds alone."""
    its = origin(lab, lineages, trial, variant)
    return Run(trial, its.settings, its.seeds, [], variant, its.measured, its.unread)


def grouped(runs: Iterable[Run]) -> tuple[list[Group], list[Run]]:
    """Return the groups, and the runs left out because a longer or later one has their seeds."""
    groups, repeated = [], []
    ordered = sorted(runs, key=lambda run: (settings_key(run), run.id))
    for _, members in groupby(ordered, key=settings_key):
        kept: dict[tuple[int, ...], Run] = {}
        for run in sorted(members, key=lambda run: (_length(run), run.id)):
            repeated += [kept[run.seeds]] if run.seeds in kept else []
            kept[run.seeds] = run
        of_group = sorted(kept.values(), key=lambda run: run.id)
        groups.append(Group(of_group[0].settings, of_group))
    return groups, repeated


def differing(a: Group | Run, b: Group | Run) -> list[str]:
    """Return the settings in which two groups, or two runs, differ.

    What only one of two choices has, such as the rank of LoRA, is part of that difference.
    """
    differ = configs.differing(a.settings, b.settings)
    return [name for name in differ if name not in a.unread | b.unread]


def distinguished(chosen: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of each what was set of the fields in which any two differ."""
    varied = {name for other in chosen for name in configs.differing(chosen[0], other)}
    return [{k: v for k, v in own.items() if k in varied} for own in chosen]


def told_apart(members: Sequence[Group | Run]) -> list[dict[str, Any]]:
    """Return of each group or run what it has chosen of the settings in which any two differ.

    Ablations at their defaults are left out: of four runs of which each is another ablation, each
    is called by its own.
    """
    chosen = distinguished([member.settings for member in members])
    return [
        {
            name: value
            for name, value in own.items()
            if name not in member.unread and not _is_no_ablation(member, name, value)
        }
        for member, own in zip(members, chosen, strict=True)
    ]


def _is_no_ablation(member: Group | Run, name: str, value: Any) -> bool:
    kind = member.kind
    return name in kind.fields_marked("ablation") and kind.defaults().get(name, _NONE) == value


def labels(runs: Sequence[Run]) -> list[str]:
    """Return of each run its name with what tells it from the others."""
    seeds = distinguished([{"seed": run.seeds[0]} for run in runs])
    chosen = [
        {k: v for k, v in own.items() if not (k == "variant" and v == run.variant)} | seed
        for run, own, seed in zip(runs, told_apart(runs), seeds, strict=True)
    ]
    texts = map(setting_text, chosen)
    return [f"{run.name} {text}".rstrip() for run, text in zip(runs, texts, strict=True)]


def obstacles(a: Group, b: Group, allowed: set[str] | None, metric: Metric) -> list[str]:
    """Return why a difference between two groups could have another cause than the factor.

    `allowed` are the fields that may differ; None: any one field.
    """
    differ = differing(a, b)
    extra = [name for name in differ if allowed is not None and _bare(name) not in allowed]
    if allowed is None and len(differ) > 1:
        extra = differ
    reasons = [f"differ in {', '.join(extra)}"] if extra else []
    if other := [name for name in differ if _moves(name, a.kind, metric)]:
        reasons.append(f"{metric.name} is of other {a.kind.sample} ({', '.join(other)})")
    seeds = a.runs[0].seed_fields
    return reasons + [_unlike(a, b, field) for field in seeds if _unlike(a, b, field)]


def shared(a: Group, b: Group) -> list[tuple[Run, Run]]:
    """Return the pairs of runs of two groups that have equal seeds and learned from the same."""
    if a.runs[0].learned_from & set(differing(a, b)):
        return []
    by_seeds = {run.seeds: run for run in b.runs}
    return [(run, by_seeds[run.seeds]) for run in a.runs if run.seeds in by_seeds]


def _moves(name: str, kind: type[RunConfig], metric: Metric) -> bool:
    """Say whether a metric is measured on something else where a field has another value."""
    return name in kind.measured_on and (metric.own_kind or name not in kind.kinds.fields)


def _unlike(a: Group, b: Group, field: str) -> str:
    """Name a seed that is one in all runs of each group, and another in the other."""
    of_a, of_b = a.seeds_of(field), b.seeds_of(field)
    if min(len(a.runs), len(b.runs)) > 1 and len(of_a) == len(of_b) == 1 and of_a != of_b:
        return f"every {field} is {of_a.pop()} against {of_b.pop()}"
    return ""


def _bare(name: str) -> str:
    """Return the field of a setting, whether it is the run's or that of what it measures."""
    return name.rpartition(".")[2]


def settings_key(run: Run) -> str:
    """Return what is equal of runs whose settings are, whatever their seeds."""
    return repr(sorted(run.settings.items()))


def group_key(lab: Lab, lineages: Lineages, trial: Trial, variant: str) -> str:
    """Return what is equal of models of trials whose settings are, whatever their seeds."""
    return settings_key(without_points(lab, lineages, trial, variant))


def _length(run: Run) -> int:
    return run.points[-1].step if run.points else 0
