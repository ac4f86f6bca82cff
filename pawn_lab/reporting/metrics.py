"""The metrics of trials: what their run types say of them, and what else their records carry."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pawn_core.config import PretrainConfig, RunConfig
from pawn_core.config.errors import did_you_mean
from pawn_core.config.facts import Metric
from pawn_lab.errors import InvalidRequestError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Trial, TrialResult
from pawn_lab.trials import streams, summaries

Kind = type[RunConfig]
Source = Literal["train", "eval"]

ENVELOPE = frozenset({"type", "seq", "step", "time", "variant", summaries.TOKENS})
"""Fields of a record that are no metric."""
_DIRECTIONS = ("low", "high")


def of_merit(kind: Kind) -> Metric:
    """Return the metric by which runs of a type are ranked."""
    metric = kind.metric(kind.merit.metric)
    assert metric is not None, "a run type knows its metric of merit"
    return metric


def shown_live(kind: Kind, train: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a train record that tell how a run of a type is doing."""
    return {n: train[n] for n in kind.shown_live if isinstance(train.get(n), int | float)}


def by_merit(trials: Iterable[Trial]) -> dict[Metric, list[Trial]]:
    """Return trials by the metric by which they are ranked; those that have none are left out."""
    by_metric: dict[Metric, list[Trial]] = {}
    for trial in filter(_is_ranked, trials):
        by_metric.setdefault(of_merit(trial.config.kind), []).append(trial)
    return by_metric


def _is_ranked(trial: Trial | TrialResult) -> bool:
    return trial.config.kind.merit.exists


def kinds_of(trials: Iterable[Trial]) -> list[Kind]:
    """Return the run types of trials that are ranked; where there are none, that of pretraining."""
    return list(dict.fromkeys(t.config.kind for t in trials if _is_ranked(t))) or [PretrainConfig]


def measured(workspace: WorkspacePaths, trials: Sequence[Trial], name: str | None) -> Metric:
    """Return a metric of trials by its name; None: that by which the first is ranked.

    Raises:
        InvalidRequestError: none of them has it; lists what they have.
    """
    return _metric(workspace, trials, name, ranking=False)


def ranked(workspace: WorkspacePaths, trials: Sequence[Trial], name: str | None) -> Metric:
    """Return a metric by which trials can be ranked, as `measured` does.

    `name:low` and `name:high` say which way is better of one of which their run type does not.

    Raises:
        InvalidRequestError: none of them has it, or neither way of it is better; lists the others.
    """
    return _metric(workspace, trials, name, ranking=True)


def _metric(
    workspace: WorkspacePaths, trials: Sequence[Trial], name: str | None, *, ranking: bool
) -> Metric:
    if trials and not any(map(_is_ranked, trials)):
        raise InvalidRequestError(f"no metric: {unmeasured(trials)}")
    kinds = kinds_of(trials)
    if name is None:
        return next(iter(by_merit(trials)), of_merit(PretrainConfig))
    bare, better = _parsed(name)
    stated = [metric for kind in kinds if (metric := kind.metric(bare))]
    if stated and (stated[0].better or not ranking):
        return stated[0]
    carried = dict(_carried(workspace, trials))
    if bare in carried and not stated and (better or not ranking):
        return Metric(bare, bare, better, carried[bare])
    if bare in carried and not stated:
        raise InvalidRequestError(
            f"metric {bare!r} has no better way that is known: say {bare}:low or {bare}:high"
        )
    raise _refusal(name, [*_named(kinds, ranking), *sorted(_unnamed(kinds, carried))])


def unmeasured(trials: Iterable[Trial | TrialResult]) -> str:
    """Say why trials of run types that measure nothing have no value; empty where there are none.

    It says what measures them instead.
    """
    by_type: dict[str, list[int]] = {}
    for trial in trials:
        if not _is_ranked(trial):
            by_type.setdefault(trial.config["run_type"], []).append(trial.id)
    return "; ".join(
        f"{', '.join(map(str, ids))}: run_type '{name}' measures nothing, an eval trial of its "
        f"weights does (trial:{ids[0]})"
        for name, ids in by_type.items()
    )


def names(workspace: WorkspacePaths, trials: Sequence[Trial]) -> list[str]:
    """Return the metrics that run types of trials speak of, then others that they carry."""
    kinds = kinds_of(trials)
    return [*_named(kinds, ranking=False), *_unnamed(kinds, dict(_carried(workspace, trials)))]


def _parsed(name: str) -> tuple[str, Literal["low", "high"] | None]:
    """Split `nodes:high`."""
    bare, _, better = name.rpartition(":")
    return (bare, better) if better in _DIRECTIONS else (name, None)


def ranked_otherwise(trials: Iterable[Trial], metric: Metric) -> list[str]:
    """Say by what trials are ranked whose run type does not speak of a metric."""
    others = by_merit(trial for trial in trials if not trial.config.kind.speaks_of(metric.name))
    return [
        f"{', '.join(str(trial.id) for trial in own)}: ranked by {other.name}"
        for other, own in others.items()
    ]


def _carried(workspace: WorkspacePaths, trials: Iterable[Trial]) -> Iterator[tuple[str, Source]]:
    """Yield the metrics that records of trials carry, each with the type of its records."""
    for trial in trials:
        merit = trial.config.kind.merit
        summary = streams.summary(workspace.trial(trial.id), merit)
        sources: tuple[tuple[Source, summaries.ByModel], ...] = (
            ("train", summary.training),
            ("eval", summary.shown.by_model),
        )
        for source, by_model in sources:
            for kept in by_model.values():
                yield from ((name, source) for name in (kept.last or {}).keys() - ENVELOPE)


def _named(kinds: list[Kind], ranking: bool) -> list[str]:
    metrics = [metric for kind in kinds for metric in (*kind.metrics, of_merit(kind))]
    return list(dict.fromkeys(m.name for m in metrics if m.better or not ranking))


def _unnamed(kinds: list[Kind], carried: Iterable[str]) -> Iterator[str]:
    """Yield the metrics that are carried and that a run type leaves to its records to name."""
    open_ended = any(not kind.metrics or kind.further_metrics for kind in kinds)
    return (n for n in carried if open_ended and not any(kind.metric(n) for kind in kinds))


def _refusal(name: str, allowed: list[str]) -> InvalidRequestError:
    return InvalidRequestError(
        f"metric {name[:100]!r} is not allowed{did_you_mean(name, allowed)}; "
        f"one of: {', '.join(allowed)}"
    )
