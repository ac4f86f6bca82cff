"""The weight of the KL: none at first, then fixed, or led to a target."""

import math
from typing import Any

_FACTOR = 1.1
_TOLERANCE = 0.05  # of the target, in which beta stays


class BetaController:
    """Give each step its beta and learn from the KL measured there.

    With a target, beta grows by a tenth after a step whose KL was more than 5 % above it, and
    shrinks as much after one 5 % below, within the bounds.
    """

    def __init__(
        self,
        beta: float,
        *,
        warmup_steps: int = 0,
        target: float | None = None,
        least: float = 0.0,
        most: float = 1.0,
    ) -> None:
        """Begin with a beta.

        Raises:
            ValueError: the bounds are out of order, beta is outside them, or a target could never
                be followed from a beta of 0.
        """
        if target is not None and not 0.0 <= least <= beta <= most:
            raise ValueError(f"beta {beta} is outside beta_min {least} to beta_max {most}")
        if target is not None and (beta <= 0.0 or target <= 0.0):
            raise ValueError(f"target_kl {target} with beta {beta}; allowed: both above 0")
        self._beta, self._warmup_steps, self._target = beta, warmup_steps, target
        self._least, self._most = least, most

    def beta_of(self, step: int) -> float:
        """Return the beta of a step, counted from 1: 0 during the warm-up."""
        return 0.0 if step <= self._warmup_steps else self._beta

    def observe(self, step: int, kl: float) -> None:
        """Adapt to the mean KL per token that a step measured; warm-up steps teach nothing."""
        if self._target is None or step <= self._warmup_steps or not math.isfinite(kl):
            return
        if kl > self._target * (1 + _TOLERANCE):
            self._beta = min(self._beta * _FACTOR, self._most)
        elif kl < self._target * (1 - _TOLERANCE):
            self._beta = max(self._beta / _FACTOR, self._least)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"beta": self._beta}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with a saved beta."""
        self._beta = float(state["beta"])
