"""The rows of lab_compare: each setting against the reference, and why not where it cannot be."""

import math
import statistics
from dataclasses import dataclass

from pawn_core.config.facts import Metric
from pawn_lab.analysis.compare import Difference, Verdict, paired, welch
from pawn_lab.analysis.groups import BASELINE, Group, Run, differing, obstacles, shared, told_apart
from pawn_lab.configs import setting_text
from pawn_lab.errors import InvalidRequestError
from pawn_lab.tools.values import Answer, Number

ONE_SEED = "one seed"


class GroupRow(Answer):
    """Trials of one setting; `difference` is its mean minus that of the reference.

    interval_low, interval_high: 95 % confidence. detectable: the smallest true difference that so
    many seeds would find in 4 of 5 repetitions. needs_seeds: more seeds for each of the two groups.
    With `reaching`, mean is the geometric mean of what it took to get there, and ratio replaces
    difference: mean over that of the reference; interval and detectable are ratios too.
    """

    setting: str
    trial_ids: list[int]
    mean: Number = None
    sd: Number = None
    reference: bool | None = None
    verdict: Verdict | None = None
    why: str | None = None
    difference: Number = None
    ratio: Number = None
    interval_low: Number = None
    interval_high: Number = None
    paired: bool | None = None
    detectable: Number = None
    needs_seeds: int | None = None


@dataclass(frozen=True)
class Measured:
    """What is compared of each run, by its name: values of the metric, or logarithms of costs.

    `absent` says why a run has no value.
    """

    values: dict[str, float]
    metric: Metric
    absent: str
    ratios: bool = False

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller value is the better one; what it took is better if less."""
        return self.ratios or self.metric.better == "low"

    def of(self, group: Group) -> list[float]:
        """Return the values of a group; empty if any of its runs has none."""
        values = [self.values[run.name] for run in group.runs if run.name in self.values]
        return values if len(values) == len(group.runs) else []

    def mean(self, group: Group) -> float:
        """Return the mean of a group that has values."""
        return statistics.fmean(self.of(group))

    def rank(self, group: Group) -> float:
        """Return what orders groups from the best to the worst, those without a value last."""
        if not self.of(group):
            return math.inf
        return self.mean(group) if self.lower_is_better else -self.mean(group)

    def shown(self, value: float) -> float:
        """Return a mean, or a difference of means, as it is told."""
        return math.exp(value) if self.ratios else value


def compared_rows(
    groups: list[Group], measured: Measured, allowed: set[str] | None, reference: int | None
) -> list[GroupRow]:
    """Return a row for each group: the reference first, then the others, the best first.

    Raises:
        InvalidRequestError: the reference is none of the trials.
    """
    first = _reference(groups, measured, reference)
    texts = map(setting_text, told_apart(groups))
    named = list(zip(groups, texts, strict=True))
    ordered = sorted(named, key=lambda pair: (pair[0] is not first, measured.rank(pair[0])))
    return [_row(group, text or BASELINE, first, measured, allowed) for group, text in ordered]


def _reference(groups: list[Group], measured: Measured, trial_id: int | None) -> Group | None:
    if trial_id is not None:
        named = [g for g in groups if trial_id in {run.id for run in g.runs}]
        if not named:
            counted = ", ".join(run.name for group in groups for run in group.runs)
            raise InvalidRequestError(
                f"reference {trial_id} is not among the trials compared: {counted or 'none'}"
            )
        return named[0]
    valued = [group for group in groups if measured.of(group)]
    return min(valued, key=measured.rank, default=None)


def _row(
    group: Group,
    setting: str,
    reference: Group | None,
    measured: Measured,
    allowed: set[str] | None,
) -> GroupRow:
    values = measured.of(group)
    columns: dict[str, object] = {
        "setting": setting,
        "trial_ids": list(dict.fromkeys(run.id for run in group.runs)),
        "mean": measured.shown(measured.mean(group)) if values else None,
        "sd": statistics.stdev(values) if len(values) > 1 and not measured.ratios else None,
    }
    if group is reference:
        return GroupRow.model_validate(columns | {"reference": True})
    return GroupRow.model_validate(columns | _compared(group, reference, measured, allowed))


def _compared(
    group: Group, reference: Group | None, measured: Measured, allowed: set[str] | None
) -> dict[str, object]:
    """Return the columns that a comparison fills."""
    if reference is None or not measured.of(group) or not measured.of(reference):
        return {"verdict": Verdict.NOT_COMPARABLE, "why": measured.absent}
    if reasons := obstacles(group, reference, allowed, measured.metric):
        return {"verdict": Verdict.NOT_COMPARABLE, "why": "; ".join(reasons)}
    smallest = min(len(group.runs), len(reference.runs))
    if smallest < 2:
        return {
            "verdict": Verdict.NOT_COMPARABLE,
            "why": ONE_SEED,
            "needs_seeds": 1,
            **_size(measured.mean(group) - measured.mean(reference), measured),
        }
    pairs = shared(group, reference)
    difference = _difference(group, reference, pairs, measured)
    caveat = _own_kind(group, reference)
    return _columns(difference, measured) | {"paired": len(pairs) > 1, "why": caveat}


def _difference(
    group: Group, reference: Group, pairs: list[tuple[Run, Run]], measured: Measured
) -> Difference:
    if len(pairs) > 1:
        values = [[measured.values[run.name] for run in side] for side in zip(*pairs, strict=True)]
        return paired(values[0], values[1])
    return welch(measured.of(group), measured.of(reference))


def _columns(difference: Difference, measured: Measured) -> dict[str, object]:
    verdict = difference.verdict(lower_is_better=measured.lower_is_better)
    low, high = difference.interval
    needed = difference.seeds_needed() if verdict is Verdict.INDISTINGUISHABLE else None
    return {
        "verdict": verdict,
        **_size(difference.mean, measured),
        "interval_low": measured.shown(low),
        "interval_high": measured.shown(high),
        "detectable": measured.shown(difference.detectable),
        "needs_seeds": needed or None,
    }


def _size(difference: float, measured: Measured) -> dict[str, object]:
    return {"ratio" if measured.ratios else "difference": measured.shown(difference)}


def _own_kind(group: Group, reference: Group) -> str | None:
    name, fields = group.kind.kinds
    other = [field for field in differing(group, reference) if field in fields]
    return f"each on {name} of its own kind ({', '.join(other)})" if other else None


def headline(rows: list[GroupRow], *, doubtful: bool) -> str | None:
    """Return the sentence about the reference and the best of the others; None without two.

    doubtful: something beside the settings differs, of which the notes warn.
    """
    told = _between(rows)
    return f"{told} More than the settings differs: see notes." if told and doubtful else told


def _between(rows: list[GroupRow]) -> str | None:
    measured = [row for row in rows if row.mean is not None]
    if len(measured) < 2 or not measured[0].reference:
        return None
    first, second = measured[:2]
    match second.verdict:
        case Verdict.WORSE:
            beaten = f"{second.setting}, the next best{_all(rows)}"
            return f"Clear: {first.setting} is better than {beaten}."
        case Verdict.BETTER:
            return f"Clear: {second.setting} is better than the reference, {first.setting}."
        case Verdict.INDISTINGUISHABLE:
            return f"No clear winner: {_pair(first, second)} are within the noise; {_more(second)}."
        case _:
            return f"No clear winner: {_pair(first, second)} cannot be compared: {_why(second)}."


def _pair(first: GroupRow, second: GroupRow) -> str:
    return f"{first.setting} and {second.setting}, the two best,"


def _all(rows: list[GroupRow]) -> str:
    return ", and than all others" if all(r.verdict == Verdict.WORSE for r in rows[1:]) else ""


def _more(row: GroupRow) -> str:
    if row.needs_seeds is None:
        return "no number of seeds is likely to tell"
    return f"{row.needs_seeds} more seeds of each would tell: lab_launch(config, seeds=...)"


def _why(row: GroupRow) -> str:
    if row.why == ONE_SEED:
        return "one seed each; lab_launch(config, seeds=3) of both adds two"
    return row.why or "no common value"
