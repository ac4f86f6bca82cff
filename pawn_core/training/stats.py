"""Sums over the steps since the last train record, without waiting for the device."""

import time
from typing import Any

import torch
from torch import Tensor


class StepStats:
    """What a train record reports: means over its window of steps, weighted by token."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self._first_bad = torch.full((), -1, dtype=torch.int64, device=device)
        self._tokens = self._games = self._steps = 0
        self._waited = 0.0
        self._clock = time.perf_counter()

    def add(self, step: int, loss_sum: Tensor, grad_norm: Tensor, finite: Tensor) -> None:
        """Add one step's summed loss and gradient norm; remember the first one not finite.

        A norm that overflowed in float16, where the update was skipped, counts as 0.
        """
        norm = torch.nan_to_num(grad_norm.double(), posinf=0.0)
        self._sums += torch.stack((loss_sum.double(), norm))
        bad = ~finite & (self._first_bad < 0)
        self._first_bad = torch.where(bad, step, self._first_bad)
        self._steps += 1

    def count(self, tokens: int, games: int, waited: float) -> None:
        """Add one step's supervised tokens, games and seconds spent waiting for data."""
        self._tokens += tokens
        self._games += games
        self._waited += waited

    def exclude(self, seconds: float) -> None:
        """Leave a pause (evaluation, checkpoint) out of the window's speed."""
        self._clock += seconds

    def first_bad_step(self) -> int | None:
        """Return the first step whose loss was not finite; waits for the device."""
        step = int(self._first_bad.item())
        return step if step >= 0 else None

    def take(self) -> dict[str, float]:
        """Return the window's means and speeds, and start the next window."""
        loss, norm = self._sums.tolist()
        elapsed = max(time.perf_counter() - self._clock, 1e-9)
        fields = {
            "loss": loss / max(self._tokens, 1),
            "grad_norm": norm / max(self._steps, 1),
            "tokens_per_s": self._tokens / elapsed,
            "games_per_s": self._games / elapsed,
            "data_wait_s": self._waited / max(self._steps, 1),
            "step_s": elapsed / max(self._steps, 1),
        }
        self._sums.zero_()
        self._tokens = self._games = self._steps = 0
        self._waited = 0.0
        self._clock = time.perf_counter()
        return fields

    def state_dict(self) -> dict[str, Any]:
        """Return the open window; speeds are not part of it."""
        loss, norm = self._sums.tolist()
        return {"loss": loss, "norm": norm, "tokens": self._tokens, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with a saved window."""
        self._sums.copy_(torch.tensor((state["loss"], state["norm"]), dtype=torch.float64))
        self._tokens, self._steps = state["tokens"], state["steps"]
