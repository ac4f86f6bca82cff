"""In what two trials differ: what was chosen, what they saw, and where their numbers come from."""

from collections.abc import Iterable
from typing import Any

from pawn_lab.analysis.curves import evaluations
from pawn_lab.analysis.origins import essential
from pawn_lab.configs import Pairs, StoredConfig, differing
from pawn_lab.documents import read_json_object
from pawn_lab.lab import Lab
from pawn_lab.records import Trial
from pawn_lab.reporting.metrics import ENVELOPE, kinds_of
from pawn_lab.trials import variants

_HASH_CHARACTERS = 12


def chosen(a: Trial, b: Trial) -> Pairs:
    """Return the settings and seeds in which two trials differ, without those that follow."""
    return differing(*(_seeds(t.config) | essential(t.config) for t in (a, b)))


def incidental(a: Trial, b: Trial) -> Pairs:
    """Return the fields that decide when and where a trial runs, where they differ."""
    names = sorted(frozenset().union(*(kind.incidental for kind in kinds_of((a, b)))))
    return differing(*({n: t.config.get(n) for n in names} for t in (a, b)))


def _seeds(config: StoredConfig) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name in config.kind.seeds}


def learned_from(a: Trial, b: Trial) -> list[str]:
    """Return what makes two trials learn from something else, step by step."""
    return _differing(a, b, {n for k in kinds_of((a, b)) for n in (*k.learned_from, k.seeds[-1])})


def measured_on(a: Trial, b: Trial) -> list[str]:
    """Return what makes two trials be measured on something else."""
    return _differing(a, b, {name for kind in kinds_of((a, b)) for name in kind.measured_on})


def _differing(a: Trial, b: Trial, names: Iterable[str]) -> list[str]:
    both = [essential(t.config) | _seeds(t.config) for t in (a, b)]
    return sorted(differing(*both).keys() & set(names))


def provenance(lab: Lab, a: Trial, b: Trial) -> Pairs | None:
    """Return code, packages and machine where they differ; None where a trial has no record."""
    records = [read_json_object(lab.paths.trial(t.id).provenance) for t in (a, b)]
    if not all(records):
        return None
    return differing(*(_flat(record) for record in records if record))


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return hashes cut short, and packages and seeds as entries of their own."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= value if name == "packages" else {}  # seeds are among the settings
        elif name == "commit" or name.endswith("_sha256"):
            flat[name.removesuffix("_sha256")] = value and value[:_HASH_CHARACTERS]
        else:
            flat[name] = value
    return flat


def models(a: Trial, b: Trial) -> list[tuple[str, str]]:
    """Return which models are set side by side: variants of one name, or each with a single one."""
    of_a, of_b = a.config.models, b.config.models
    if variants.SINGLE in of_a or variants.SINGLE in of_b:
        return [(first, second) for first in of_a for second in of_b]
    return [(name, name) for name in of_a if name in of_b]


def measured(
    lab: Lab, a: Trial, b: Trial, names: tuple[str, str]
) -> tuple[int | None, dict[str, tuple[float, float]]]:
    """Return the last step at which both were evaluated, and the metrics of both there."""
    ours, theirs = (_by_step(lab, t, name) for t, name in zip((a, b), names, strict=True))
    step = max(ours.keys() & theirs.keys(), default=None)
    if step is None:
        return None, {}
    kinds = kinds_of((a, b))
    shown = [n for n in ours[step] if n not in ENVELOPE and any(k.tells(n) for k in kinds)]
    pairs = {name: (ours[step][name], theirs[step].get(name)) for name in shown}
    return step, {n: (x, y) for n, (x, y) in pairs.items() if x is not None and y is not None}


def _by_step(lab: Lab, trial: Trial, variant: str) -> dict[int, dict[str, Any]]:
    records = variants.records_of(evaluations(lab, trial), variant)
    return {record["step"]: record for record in records}
