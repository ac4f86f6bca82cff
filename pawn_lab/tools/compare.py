"""lab_compare: whether a setting is better than another, or only luckier."""

from typing import Annotated, ClassVar

from pydantic import Field

from pawn_core.config import RUN_TYPES
from pawn_core.config.errors import did_you_mean
from pawn_core.config.facts import Metric
from pawn_lab.analysis.alignment import Alignment, align, without_early
from pawn_lab.analysis.circumstances import warnings
from pawn_lab.analysis.compare import CONFIDENCE
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import Run, grouped, runs_of
from pawn_lab.analysis.reaching import logarithms
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.reporting import metrics
from pawn_lab.tools import remarks
from pawn_lab.tools.compare_rows import ONE_SEED, GroupRow, Measured, compared_rows, headline
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Number, Table, Tag, TrialId


class CompareAnswer(Reading):
    """The reference first, then the others, best first, all at `position` of the axis.

    With `reaching`: what it took each to get there, on the axis.
    """

    cuttable: ClassVar = ("groups",)

    headline: str | None = None
    metric: str
    at: Axis
    position: Number = None
    reaching: Number = None
    groups: Table[GroupRow]
    notes: list[str] | None = None


def lab_compare(
    lab: Lab,
    trial_ids: Annotated[list[TrialId] | None, Field(description="Only these.")] = None,
    tag: Tag = None,
    factor: Annotated[
        str | None,
        Field(description="May differ: lr,optimizer."),
    ] = None,
    metric: Annotated[str | None, Field(description="As val_loss, kl.")] = None,
    at: Annotated[
        Axis,
        Field(description="What is equal."),
    ] = "step",
    reaching: Annotated[
        float | None,
        Field(
            allow_inf_nan=False,
            description="Compare what this value took.",
        ),
    ] = None,
    reference: Annotated[TrialId | None, Field(description="Default: of the best group.")] = None,
    since: Since = None,
    max_tokens: MaxTokens = 2500,
) -> CompareAnswer:
    """Say which setting is better beyond the noise between seeds.

    Better, worse, indistinguishable (95 %) or not comparable, and `why`.

    Trials, and the variants of a cotrain trial, are grouped by config less seed. Each group is
    compared with the reference at the last step that all have in common, paired by seed where both
    share seeds and training games. Indistinguishable: the 95 % interval holds zero, or one for a
    ratio. Not comparable: more than one field differs and `factor` does not name them, other
    validation games, or one seed where two are needed. `at` hours are device-hours, cost is money.
    notes warn of other code, device models and a shared processor. `reaching` compares costs: a
    ratio of 0.5 got there with half the steps. metric: by default that by which the first trial is
    ranked; one of which no run type says which way is better is named with it, as nodes:low.
    """
    asked = ("compare", trial_ids, tag, factor, metric, at, reaching, reference)
    question = Question.of(lab, asked, since, max_tokens)
    allowed, trials = _fields(factor), queries.selected(lab, trial_ids, tag)
    merit = metrics.ranked(lab.paths, trials, metric)
    runs = runs_of(lab, trials, merit)
    measured, notes = [run for run in runs if run.has_measured], remarks.strangers(trials)
    notes += _left_out(runs, merit)
    if trial_ids is None:
        measured, early = without_early(measured)
        notes += _early(early)
    groups, repeated = grouped(measured)
    kept = [run for group in groups for run in group.runs]
    if reaching is None:
        aligned = align(kept, at)
        compared, position, ends = _values(aligned, merit), aligned.position, _ends(aligned, kept)
    else:
        compared, position, ends = _costs(kept, at, merit, reaching), None, []
    rows = compared_rows(groups, compared, allowed, reference)
    other = warnings(lab, kept, at)
    idle = remarks.settings_without_effect(lab, [(run.id, run.config) for run in kept])
    notes = other + notes + idle + _repetitions(repeated) + ends + _many(rows) + _single(rows)
    answer = CompareAnswer(
        headline=headline(rows, doubtful=bool(other)),
        metric=merit.name,
        at=at,
        position=position,
        reaching=reaching,
        groups=rows,
        notes=notes or None,
    )
    return question.answered(answer)


def _values(aligned: Alignment, metric: Metric) -> Measured:
    absent = f"no common point at which every trial has {metric.name}"
    return Measured(aligned.values, metric, absent)


def _costs(runs: list[Run], at: Axis, metric: Metric, value: float) -> Measured:
    absent = f"a trial of one of the two never gets to {metric.name} {value:g}"
    return Measured(logarithms(runs, at, metric, value), metric, absent, ratios=True)


def _fields(factor: str | None) -> set[str] | None:
    """Split the names; each must be a config field."""
    names = [] if factor is None else [name.strip() for name in factor.split(",")]
    fields = {name for run_type in RUN_TYPES for name in run_type.config.model_fields}
    for name in names:
        if name not in fields:
            hint = did_you_mean(name, fields)
            raise InvalidRequestError(f"factor '{name[:100]}' is no config field{hint}")
    return set(names) or None


def _left_out(runs: list[Run], metric: Metric) -> list[str]:
    by_state: dict[str, list[str]] = {}
    without = [run for run in runs if not run.has_measured]
    for run in without:
        if run.kind.merit.exists and run.kind.speaks_of(metric.name):
            by_state.setdefault(run.trial.state, []).append(run.name)
    missing = [f"{', '.join(names)} ({state})" for state, names in by_state.items()]
    lines = [f"without {metric.name}: {'; '.join(missing)}"] if missing else []
    lines += metrics.ranked_otherwise((run.trial for run in without), metric)
    lines += filter(None, [metrics.unmeasured(run.trial for run in without)])
    return [f"left out, {line}" for line in lines]


def _early(runs: list[Run]) -> list[str]:
    """Name the trials that would move the comparison back to where they broke off."""
    told = ", ".join(f"{run.name} ({run.trial.state} at {run.points[-1].step})" for run in runs)
    return [f"left out, broke off before the others; name them to count: {told}"] if told else []


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


def _single(rows: list[GroupRow]) -> list[str]:
    """Say what one seed means, once."""
    alone = any(row.why == ONE_SEED for row in rows)
    return ["one seed: the noise between seeds is unknown"] if alone else []


TOOL = LabTool(lab_compare, title="Compare settings over seeds", read_only=True, idempotent=True)
