"""What a report is about: its trials, their evaluations, a baseline, and the question."""

from dataclasses import dataclass
from typing import Self

from pawn_core.config import EvalConfig, ImportConfig
from pawn_core.evaluation.report import Report
from pawn_lab.analysis.evaluated_models import EvaluatedModel, evaluated_models
from pawn_lab.configs import setting_text
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.reporting.results import ablation


@dataclass(frozen=True)
class ReportedStudy:
    """Trials that trained, the evaluations of their models, and those of a baseline."""

    lab: Lab
    title: str
    question: str | None
    chosen: list[Trial]
    """As they were asked for."""
    evaluations: list[EvaluatedModel]
    """Of the models of these trials, whoever asked for them; those of the baseline first."""
    baseline: int | None

    @classmethod
    def of(
        cls,
        lab: Lab,
        trial_ids: list[int] | None,
        tag: str | None,
        question: str | None,
        baseline: int | None,
    ) -> Self:
        """Return the study of these trials.

        Raises:
            UnknownTrialError: no such trial, or no such baseline.
            InvalidRequestError: numbers and tag leave no trial.
        """
        chosen = queries.selected(lab, trial_ids, tag)
        beside = [] if baseline is None else [queries.trial(lab, baseline)]
        numbers = {trial.id for trial in [*chosen, *beside]}
        found = sorted(
            evaluated_models(lab, numbers), key=lambda e: (not _is_of(e, baseline), e.trial.id)
        )
        title = f"Study {tag}" if tag is not None else f"Study of {_counted(chosen)}"
        return cls(lab, title, question, chosen, found, baseline)

    @property
    def trained(self) -> list[Trial]:
        """The trials that trained: neither evaluations nor imports."""
        others = EvalConfig, ImportConfig
        return [trial for trial in self.chosen if not isinstance(trial.config.parsed, others)]

    @property
    def trials(self) -> list[Trial]:
        """All trials of the report, by number."""
        both = {t.id: t for t in [*self.chosen, *(e.trial for e in self.evaluations)]}
        return [both[number] for number in sorted(both)]

    def reports(self, name: str) -> list[tuple[EvaluatedModel, Report]]:
        """Return what each model's evaluation of that name reports; of several, the newest."""
        newest = {
            evaluation.model: (evaluation, report)
            for evaluation in self.evaluations
            for report in evaluation.found.reports
            if report.name == name
        }
        return list(newest.values())

    def column(self, evaluation: EvaluatedModel) -> str:
        """Return how a model is called in tables: which it is, and what tells it from others."""
        mark = "baseline: " if _is_of(evaluation, self.baseline) else ""
        own = next((t for t in self.trained if t.id == evaluation.subject), None)
        said = self._origin(evaluation.subject)
        if own is not None:
            said = setting_text(ablation(own.config))
        return f"{mark}{evaluation.model} {said}".strip()

    def _origin(self, subject: int | None) -> str:
        """Return where the weights of an imported trial are from; empty for others."""
        config = None if subject is None else queries.trial(self.lab, subject).config.parsed
        return f"({config.weights})" if isinstance(config, ImportConfig) else ""


def _is_of(evaluation: EvaluatedModel, baseline: int | None) -> bool:
    return baseline is not None and baseline in (evaluation.subject, evaluation.trial.id)


def _counted(trials: list[Trial]) -> str:
    return "1 trial" if len(trials) == 1 else f"{len(trials)} trials"
