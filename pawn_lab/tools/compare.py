"""lab_compare: whether a setting is better than another, or only luckier."""

import statistics
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from pawn_core.config import RUN_TYPES
from pawn_core.config.errors import did_you_mean
from pawn_lab.analysis.alignment import Alignment, align
from pawn_lab.analysis.compare import CONFIDENCE, Difference, Verdict, paired, welch
from pawn_lab.analysis.groups import (
    Group,
    Run,
    differing,
    distinguished,
    grouped,
    obstacles,
    runs_of,
    shared,
)
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.reporting.curves import Axis
from pawn_lab.reporting.metrics import GAMES, Metric, metric_of_merit
from pawn_lab.tools.reading import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.results import BASELINE
from pawn_lab.tools.trial_views import setting_text
from pawn_lab.tools.values import Answer, Number, Tag, TrialId, parsed

Values = dict[str, float]
"""The metric of each run at the common position."""


class GroupRow(Answer):
    """Trials of one setting; `difference` is its mean minus that of the reference.

    interval_low, interval_high: 95 % confidence. detectable: the smallest true difference that so
    many seeds would find in 4 of 5 repetitions. needs_seeds: more seeds for each of the two groups.
    """

    setting: str
    trial_ids: list[int]
    mean: Number = None
    sd: Number = None
    reference: bool | None = None
    verdict: Verdict | None = None
    why: str | None = None
    difference: Number = None
    interval_low: Number = None
    interval_high: Number = None
    paired: bool | None = None
    detectable: Number = None
    needs_seeds: int | None = None


class CompareAnswer(Reading):
    """The reference first, then the others, best mean first; all at `position` of the axis."""

    cuttable: ClassVar = ("groups",)

    metric: str
    at: Axis
    position: Number = None
    groups: list[GroupRow]
    notes: list[str] | None = None


def lab_compare(
    lab: Lab,
    trial_ids: Annotated[
        list[TrialId] | None, BeforeValidator(parsed), Field(description="Only these trials.")
    ] = None,
    tag: Tag = None,
    factor: Annotated[
        str | None,
        Field(description="Config field that may differ, as lr, or several: lr,optimizer."),
    ] = None,
    metric: Annotated[str, Field(description="As in lab_results: val_loss, kl, ...")] = "val_loss",
    at: Annotated[
        Axis,
        Field(description="Compare at equal step, tokens, device-hours or money (cost)."),
    ] = "step",
    reference: Annotated[
        TrialId | None, Field(description="Compare with this trial's group; none: with the best.")
    ] = None,
    since: Since = None,
    max_tokens: MaxTokens = 2500,
) -> CompareAnswer:
    """Say which setting is better beyond the noise between seeds.

    Trials, and the variants of a cotrain trial, are grouped by config less seed. Each group is
    compared with the reference at the last step that all have in common, paired by seed where both
    share seeds and training games. The verdict is better, worse, indistinguishable (the 95 %
    interval holds zero) or not comparable, and `why`: more than one field differs and `factor` does
    not name them, other validation games, or one seed where two are needed.
    """
    asked = ("compare", trial_ids, tag, factor, metric, at, reference)
    question = Question.of(lab, asked, since, max_tokens)
    allowed, wanted = _fields(factor), metric_of_merit(metric)
    runs = runs_of(lab, lab.selected(trial_ids, tag), wanted)
    measured, notes = [run for run in runs if run.points], _left_out(runs, wanted)
    groups, repeated = grouped(measured)
    kept = [run for group in groups for run in group.runs]
    aligned = align(kept, at)
    first = _reference(groups, aligned.values, wanted, reference)
    rows = [_row(group, first, groups, aligned.values, allowed, wanted) for group in groups]
    rows.sort(key=lambda row: (not row.reference, _rank(row, wanted)))
    notes += _repetitions(repeated) + _ends(aligned, kept) + _many(rows)
    answer = CompareAnswer(
        metric=metric, at=at, position=aligned.position, groups=rows, notes=notes or None
    )
    return question.answered(answer)


def _fields(factor: str | None) -> set[str] | None:
    """Split the names; each must be a config field."""
    names = [name.strip() for name in factor.split(",")] if factor else []
    known = {name for run_type in RUN_TYPES for name in run_type.config.model_fields}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise InvalidRequestError(f"factor '{name[:100]}' is no config field{hint}")
    return set(names) or None


def _reference(
    groups: list[Group], values: Values, metric: Metric, trial_id: int | None
) -> Group | None:
    if trial_id is not None:
        named = [g for g in groups if trial_id in {run.id for run in g.runs}]
        if not named:
            counted = ", ".join(run.name for group in groups for run in group.runs)
            raise InvalidRequestError(
                f"reference {trial_id} is not among the trials compared: {counted or 'none'}"
            )
        return named[0]
    sign = 1 if metric.better == "low" else -1
    return min(groups, key=lambda g: sign * _mean(g, values), default=None) if values else None


def _row(
    group: Group,
    reference: Group | None,
    groups: list[Group],
    values: Values,
    allowed: set[str] | None,
    metric: Metric,
) -> GroupRow:
    known = [values[run.name] for run in group.runs] if values else []
    row = GroupRow(
        setting=_setting(group, groups),
        trial_ids=list(dict.fromkeys(run.id for run in group.runs)),
        mean=statistics.fmean(known) if known else None,
        sd=statistics.stdev(known) if len(known) > 1 else None,
    )
    if group is reference:
        return _with(row, {"reference": True})
    if reference is None or not values:
        why = f"no common point at which every trial has {metric.name}"
        return _with(row, {"verdict": Verdict.NOT_COMPARABLE, "why": why})
    return _with(row, _compared(group, reference, values, allowed, metric))


def _with(row: GroupRow, columns: dict[str, object]) -> GroupRow:
    return GroupRow.model_validate(row.model_dump() | columns)


def _compared(
    group: Group, reference: Group, values: Values, allowed: set[str] | None, metric: Metric
) -> dict[str, object]:
    """Return the columns that a comparison fills."""
    if reasons := obstacles(group, reference, allowed, metric):
        return {"verdict": Verdict.NOT_COMPARABLE, "why": "; ".join(reasons)}
    pairs = shared(group, reference)
    smallest = min(len(group.runs), len(reference.runs))
    if smallest < 2:
        return {
            "verdict": Verdict.NOT_COMPARABLE,
            "why": "one seed: the noise between seeds is unknown",
            "difference": _mean(group, values) - _mean(reference, values),
            "needs_seeds": 1,
        }
    by_pairs = len(pairs) > 1
    if by_pairs:
        difference = paired([values[a.name] for a, _ in pairs], [values[b.name] for _, b in pairs])
    else:
        difference = welch(*([values[run.name] for run in g.runs] for g in (group, reference)))
    caveat = _own_games(group, reference)
    return _columns(difference, metric) | {"paired": by_pairs, "why": caveat}


def _columns(difference: Difference, metric: Metric) -> dict[str, object]:
    verdict = difference.verdict(lower_is_better=metric.better == "low")
    low, high = difference.interval
    needed = difference.seeds_needed() if verdict is Verdict.INDISTINGUISHABLE else None
    return {
        "verdict": verdict,
        "difference": difference.mean,
        "interval_low": low,
        "interval_high": high,
        "detectable": difference.detectable,
        "needs_seeds": needed or None,
    }


def _own_games(group: Group, reference: Group) -> str | None:
    games = [name for name in differing(group, reference) if name in GAMES]
    return f"each on games of its own kind ({', '.join(games)})" if games else None


def _setting(group: Group, groups: list[Group]) -> str:
    """Return what was set in a group of the fields in which any two groups differ."""
    settings = distinguished([other.settings for other in groups])
    return setting_text(settings[groups.index(group)]) or BASELINE


def _mean(group: Group, values: Values) -> float:
    return statistics.fmean(values[run.name] for run in group.runs)


def _rank(row: GroupRow, metric: Metric) -> float:
    if row.mean is None:
        return 0.0
    return row.mean if metric.better == "low" else -row.mean


def _left_out(runs: list[Run], metric: Metric) -> list[str]:
    missing = [f"{run.name} ({run.trial.state})" for run in runs if not run.points]
    return [f"left out, without {metric.name}: {', '.join(missing)}"] if missing else []


def _repetitions(repeated: list[Run]) -> list[str]:
    ids = ", ".join(run.name for run in repeated)
    return [f"counted once: {ids} have the setting and seeds of another trial"] if ids else []


def _ends(aligned: Alignment, runs: list[Run]) -> list[str]:
    short = ", ".join(f"{run.name} ({run.trial.state})" for run in aligned.short(runs))
    return [f"at {aligned.position:g}, the end of {short}; others go on"] if short else []


def _many(rows: list[GroupRow]) -> list[str]:
    """Warn that several intervals at 95 % each find a difference by chance more often."""
    count = sum(row.interval_low is not None for row in rows)
    if count < 2:
        return []
    chance = 1.0 - CONFIDENCE**count
    return [f"{count} comparisons: one is wrong by chance in up to {chance:.0%} of such tables"]


TOOL = LabTool(lab_compare, title="Compare settings over seeds", read_only=True, idempotent=True)
