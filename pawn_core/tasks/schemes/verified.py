"""Our own scheme: a weighted mean of what was verified.

Shapes: n completions.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pawn_core.config import ConfigError, tasks
from pawn_core.tasks.task import Scored


class Verified:
    """From 0 to 1; a right completion earns 1, whatever its task and colour.

    Raises:
        ConfigError: the weights of a task are all 0.
    """

    def __init__(self, weights: Mapping[str, float], shaping: str | None = None) -> None:
        """Read the weights."""
        self._weights: dict[str, dict[str, float]] = {}
        for kind in tasks.TASKS:
            names = kind.components.items()
            own = {name: weights.get(f"{kind.name}.{name}", weight) for name, weight in names}
            if not any(own.values()):
                raise ConfigError(f"reward_weights: those of the task {kind.name} are all 0")
            self._weights[kind.name] = own

    def rewards(self, scored: Scored) -> NDArray[np.float64]:
        """Return the weighted means (n,) of the task's components."""
        weights = self._weights[scored.task]
        components = scored.scores.components
        parts = [weight * components[name] for name, weight in weights.items() if weight]
        return np.sum(parts, axis=0) / sum(weights.values())
