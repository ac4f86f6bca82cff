"""The models that eval trials have measured, and what they have found on each."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pawn_core.config import EvalConfig
from pawn_core.config.weights import TrialWeights
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.reporting.evaluations import Evaluated, evaluated


@dataclass(frozen=True)
class EvaluatedModel:
    """What an eval trial has found on one model."""

    trial: Trial
    found: Evaluated
    subject: int | None
    """The trial whose weights they are; None: of another place."""

    @property
    def model(self) -> str:
        """The model's name in tables."""
        return self.found.weights or str(self.trial.config.get("weights"))


def evaluated_models(lab: Lab, numbers: Collection[int]) -> Iterator[EvaluatedModel]:
    """Yield what these eval trials have found, and those of these trials' weights."""
    for trial in queries.of_run_type(lab, EvalConfig.model_fields["run_type"].default):
        if not isinstance(config := trial.config.parsed, EvalConfig):
            continue
        reference = TrialWeights.parse(config.weights)
        subject = reference.trial if reference else None
        if trial.id not in numbers and subject not in numbers:
            continue
        paths = lab.paths.trial(trial.id)
        found = evaluated(paths.results, paths.outer)
        if found is not None and found.reports:
            yield EvaluatedModel(trial, found, subject)
