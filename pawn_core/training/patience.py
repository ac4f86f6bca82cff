"""When a run has stopped getting better."""

from dataclasses import dataclass, field
from typing import Any, Self

from pawn_core.config import TrainingConfig
from pawn_core.config.facts import Merit


@dataclass
class Patience:
    """The best value of each metric so far, and how many evaluations improved on none."""

    metrics: tuple[Merit, ...]
    best: dict[str, float] = field(default_factory=dict)
    best_step: int | None = None
    """Step of the last evaluation that improved on any."""
    without_improvement: int = 0

    @classmethod
    def of(cls, config: TrainingConfig) -> Self:
        """Return the config's patience, before any evaluation."""
        return cls(metrics=config.watched)

    def observe(self, evaluation: dict[str, Any], step: int) -> None:
        """Count one evaluation; a metric that is null (no late plies, say) improves nothing."""
        better = {
            merit.metric: evaluation[merit.metric]
            for merit in self.metrics
            if self._improves(merit, evaluation)
        }
        if better:
            self.best |= better
            self.best_step, self.without_improvement = step, 0
        else:
            self.without_improvement += 1

    def describe(self) -> str:
        """Return what the best values are, such as `val_loss 2.9` of which step."""
        values = " or ".join(f"{name} {value:.6g}" for name, value in self.best.items())
        return (
            f"no better {values} since step {self.best_step} "
            f"in {self.without_improvement} evaluations"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {
            "best": self.best,
            "best_step": self.best_step,
            "without_improvement": self.without_improvement,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on counting; a metric that was not watched before has no best value yet."""
        self.best = dict(state["best"])
        self.best_step, self.without_improvement = state["best_step"], state["without_improvement"]

    def _improves(self, merit: Merit, evaluation: dict[str, Any]) -> bool:
        value, best = evaluation[merit.metric], self.best.get(merit.metric)
        if value is None or best is None:
            return value is not None
        return merit.beats(value, best)
