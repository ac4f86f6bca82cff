"""lab_results: what the trials have shown, sorted for a choice."""

from typing import Annotated, ClassVar

from pydantic import Field

from pawn_core.config.errors import did_you_mean
from pawn_lab.analysis.curves import related
from pawn_lab.analysis.groups import runs_of
from pawn_lab.analysis.pareto import Price
from pawn_lab.configs import setting_text
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import TrialResult
from pawn_lab.reporting import metrics
from pawn_lab.reporting.metrics import by_merit
from pawn_lab.tools import remarks
from pawn_lab.tools.forecasts import ForecastRow, forecast_rows
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.result_rows import (
    MOST_CURVES,
    Curves,
    FrontRow,
    NextRow,
    ResultRow,
    ablation_text,
    front_rows,
    has_shown,
    next_rows,
    not_comparable,
    ranked,
    without_common,
)
from pawn_lab.tools.values import Table, Tag, TrialId


class ResultsAnswer(Reading):
    """Rows by ablation, best metric of merit first; `best` marks the first of each ablation.

    common: weights and games of all ablations that have such, not repeated in them.
    without: trials that do not run and have no evaluation, by state.
    """

    per_trial: ClassVar = ("rows",)
    cuttable: ClassVar = ("rows",)

    rows: Table[ResultRow]
    common: str | None = None
    without: dict[str, list[int]] | None = None
    best_trials: dict[str, int]
    fronts: Table[FrontRow] | None = None
    next_points: list[NextRow] | None = None
    forecasts: list[ForecastRow] | None = None
    note: str | None = None


def lab_results(
    lab: Lab,
    trial_ids: Annotated[
        list[TrialId] | None,
        Field(description="Only these."),
    ] = None,
    tag: Tag = None,
    ablation: Annotated[str | None, Field(description="As rows name it.")] = None,
    lineage: Annotated[TrialId | None, Field(description="Only its family.")] = None,
    front: Annotated[
        Price | None,
        Field(description="Pareto front against this price."),
    ] = None,
    metric: Annotated[str | None, Field(description="Of front, next_points.")] = None,
    since: Since = None,
    max_tokens: MaxTokens = 4000,
) -> ResultsAnswer:
    """Compare trials: best and last evaluation of each, by ablation and merit, and the cost.

    `best_trials`: what to lab_resume. next_points: what to try.

    top1, legal_rate, game_completion and kl (nats to the exact next-move distribution, where it
    is known) are of the last evaluation. ablation `baseline` is that of no ablation.
    next_points follow from all trials that differ only in those fields and in seeds.
    front against parameters counts those that are trained.
    forecasts: what running trials will end with, where their learning rate stays until then.
    """
    asked = ("results", trial_ids, tag, ablation, lineage, front, metric)
    question = Question.of(lab, asked, since, max_tokens)
    results, common = without_common(_selected(lab, trial_ids, tag, lineage))
    results = _of_ablation(results, ablation)
    curves = _curves(lab, results, metric)
    results, rows, best = ranked(results)
    notes = not_comparable(filter(has_shown, results))
    notes += dict.fromkeys(remarks.strangers(results))
    notes += filter(None, [metrics.unmeasured(results)])
    notes += remarks.settings_without_effect(lab, [(r.id, r.config) for r in results])
    answer = ResultsAnswer(
        rows=rows,
        common=setting_text(common) or None,
        without=_without(results) or None,
        best_trials=best,
        fronts=(front and front_rows(lab, curves, front)) or None,
        next_points=[row for c in curves for row in next_rows(lab, *c)] or None,
        forecasts=[row for m, runs in curves for row in forecast_rows(lab, runs, m)] or None,
        note="; ".join(notes) or None,
        left_out=_too_many(results),
    )
    return question.answered(answer)


def _selected(
    lab: Lab,
    trial_ids: list[int] | None,
    tag: str | None,
    lineage: int | None,
) -> list[TrialResult]:
    """Return the results of the trials that are asked for."""
    results = queries.results(lab, trial_ids=trial_ids, tag=tag)
    if lineage is not None:
        family = related(lab, lineage)
        results = [result for result in results if result.id in family]
        if not results:
            raise InvalidRequestError(
                f"lineage {lineage} is of none of these trials; its own: "
                f"{', '.join(map(str, sorted(family)))}"
            )
    return results


def _of_ablation(results: list[TrialResult], ablation: str | None) -> list[TrialResult]:
    """Return the results of an ablation, as rows name it; None: all."""
    if ablation is None:
        return results
    names = sorted({ablation_text(result) for result in results})
    if ablation not in names:
        hint = did_you_mean(ablation[:100], names)
        raise InvalidRequestError(
            f"ablation {ablation[:100]!r} is of none of these trials{hint}; "
            f"theirs: {', '.join(names) or 'none'}"
        )
    return [result for result in results if ablation_text(result) == ablation]


def _curves(lab: Lab, results: list[TrialResult], name: str | None) -> list[Curves]:
    """Return the curves of the results, by default each run type's of merit; of too many none."""
    models = {(result.id, result.variant) for result in results}
    ids = list(dict.fromkeys(result.id for result in results))
    if not ids or _too_many(results):
        return []
    trials = queries.selected(lab, ids)
    if not by_merit(trials):
        return []
    by_metric = {metrics.ranked(lab.paths, trials, name): trials} if name else by_merit(trials)
    return [
        Curves(metric, [r for r in runs_of(lab, own, metric) if (r.id, r.variant) in models])
        for metric, own in by_metric.items()
    ]


def _too_many(results: list[TrialResult]) -> str | None:
    """Say that there are too many trials for what takes whole curves, and how to get it."""
    count = len({result.id for result in results})
    if count <= MOST_CURVES:
        return None
    return (
        f"fronts, next_points and forecasts of {count} trials; name at most {MOST_CURVES} by "
        "tag, ablation, lineage or trial_ids"
    )


def _without(results: list[TrialResult]) -> dict[str, list[int]]:
    """Return the trials that have nothing to show, by state."""
    by_state: dict[str, list[int]] = {}
    for result in sorted(results, key=lambda result: result.id):
        ids = by_state.setdefault(result.state, [])
        if not has_shown(result) and result.id not in ids:
            ids.append(result.id)
    return {state: ids for state, ids in by_state.items() if ids}


TOOL = LabTool(lab_results, title="Results table", read_only=True, idempotent=True)
