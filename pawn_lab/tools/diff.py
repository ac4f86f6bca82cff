"""lab_diff: in what two trials differ, and what came of it."""

from typing import Any, ClassVar, NamedTuple

from pawn_core.config import RunConfig
from pawn_lab.analysis import differences
from pawn_lab.configs import Pairs
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.reporting.metrics import kinds_of
from pawn_lab.tools import remarks
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Number, RunRow, Table, TrialId, compact

_SAME = "the same"


class MetricRow(RunRow):
    """A metric of both at `step`, the last at which both were evaluated; difference: b less a."""

    named: ClassVar = {"step": "{unit}"}

    metric: str
    model: str | None = None
    step: int
    a: Number = None
    b: Number = None
    difference: Number = None


class DiffAnswer(Reading):
    """Only what differs, as [a's value, b's value]; incidental: when and where a trial runs.

    training_games, validation_games: the same, or the fields that make them others; learned_from,
    measured_on: of runs without games.
    """

    cuttable: ClassVar = ("results",)
    narrower: ClassVar = "lab_results has the rest"

    a: int
    b: int
    settings: dict[str, list[Any]]
    incidental: dict[str, list[Any]] | None = None
    training_games: str | None = None
    validation_games: str | None = None
    learned_from: str | None = None
    measured_on: str | None = None
    provenance: dict[str, list[Any]] | None = None
    results: Table[MetricRow]
    state: list[str] | None = None
    cost: list[Number] | None = None
    notes: list[str] | None = None


def lab_diff(
    lab: Lab,
    a: TrialId,
    b: TrialId,
    since: Since = None,
    max_tokens: MaxTokens = 1500,
) -> DiffAnswer:
    """Say what changed between two trials: settings, games, code, machine, results.

    Noise or not: lab_compare.

    Only differences are told. A difference in results has a single cause only where one setting
    differs and the games and the provenance (commit, patch, code, packages, driver, device) do not.
    """
    question = Question.of(lab, ("diff", a, b), since, max_tokens)
    if a == b:
        raise InvalidRequestError(f"a and b are both {a}: name two trials")
    first, second = queries.trial(lab, a), queries.trial(lab, b)
    origin = differences.provenance(lab, first, second)
    data = _data(first, second)
    answer = DiffAnswer(
        a=a,
        b=b,
        settings=_compact(differences.chosen(first, second)),
        incidental=_compact(differences.incidental(first, second)) or None,
        training_games=data.training_games,
        validation_games=data.validation_games,
        learned_from=data.learned_from,
        measured_on=data.measured_on,
        provenance=origin or None,
        results=_results(lab, first, second),
        state=[first.state, second.state] if first.state != second.state else None,
        cost=[first.cost, second.cost] if first.cost or second.cost else None,
        notes=_notes(first, second, origin) + _without_effect(lab, first, second) or None,
    )
    return question.answered(answer)


def _compact(pairs: Pairs) -> Pairs:
    return {name: [compact(value) for value in pair] for name, pair in pairs.items()}


class _Data(NamedTuple):
    """Whether two trials learned from the same and were measured on the same."""

    training_games: str | None = None
    validation_games: str | None = None
    learned_from: str | None = None
    measured_on: str | None = None


def _data(a: Trial, b: Trial) -> _Data:
    measured_on = ", ".join(differences.measured_on(a, b)) or _SAME
    kinds = kinds_of((a, b))
    if not any(kind.learned_from for kind in kinds):
        return _Data(measured_on=measured_on)
    learned_from = ", ".join(differences.learned_from(a, b)) or _SAME
    if any(kind.speaks != RunConfig.speaks for kind in kinds):
        return _Data(learned_from=learned_from, measured_on=measured_on)
    return _Data(learned_from, measured_on)


def _results(lab: Lab, a: Trial, b: Trial) -> list[MetricRow]:
    rows, kind = [], a.config.kind
    for names in differences.models(a, b):
        step, metrics = differences.measured(lab, a, b, names)
        model = " ".join(dict.fromkeys(filter(None, names))) or None
        rows += [
            MetricRow.for_kind(
                kind, metric=name, model=model, step=step, a=x, b=y, difference=y - x
            )
            for name, (x, y) in metrics.items()
            if step is not None
        ]
    return rows


def _notes(a: Trial, b: Trial, origin: Pairs | None) -> list[str]:
    notes = remarks.strangers((a, b))
    for child, other in ((a, b), (b, a)):
        if child.parent == other.id:
            at = f"{child.config.kind.progress.unit} {child.from_step}"
            notes.append(f"{child.id} continues {other.id} from {at}")
    if origin is None:
        notes.append("provenance: a trial that has not started has none")
    elif "dirty_patch" in origin:
        notes.append("the patches are trials/NNNN/dirty.patch of the workspace")
    return notes


def _without_effect(lab: Lab, *both: Trial) -> list[str]:
    return remarks.settings_without_effect(lab, [(trial.id, trial.config) for trial in both])


TOOL = LabTool(lab_diff, title="Difference of two trials", read_only=True, idempotent=True)
