"""What makes one reward of what was verified.

Shapes: n completions.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pawn_core.tasks.task import Scored


class Scheme(Protocol):
    """A scheme; its entry in `pawn_core.config.tasks.SCHEMES` names it."""

    def __init__(self, weights: Mapping[str, float], shaping: str | None = None) -> None:
        """Read what the scheme reads of these.

        Args:
            weights: of `task.component`, where they are not the defaults.
            shaping: one of the scheme's own, its default first.
        """
        ...

    def rewards(self, scored: Scored) -> NDArray[np.float64]:
        """Return the rewards (n,) of one task's completions, whether they are valid or not."""
        ...


def rewards_of(scheme: Scheme, batch: Iterable[Scored], count: int) -> NDArray[np.float64]:
    """Return the rewards (count,) of a batch; nan where the verifier failed."""
    rewards_n = np.full(count, np.nan)
    for scored in batch:
        rewards = np.where(scored.scores.valid, scheme.rewards(scored), np.nan)
        rewards_n[scored.rows] = rewards
    return rewards_n
