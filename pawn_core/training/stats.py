"""Sums over the steps since the last train record, without waiting for the device."""

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pawn_core.runtime import most_memory_bytes

_OF_STEPS = ("norm", "tokens", "steps", "updates")


class StepStats:
    """What a train record reports: means over its window of steps, weighted by token."""

    def __init__(self, device: torch.device, peak_flops: float | None = None) -> None:
        """Begin a window; `peak_flops` is what the device can do at most in a second."""
        self._device, self._peak_flops = device, peak_flops
        self._first_bad = torch.full((), -1, dtype=torch.int64, device=device)
        self._begin()

    def add(self, step: int, sums: Mapping[str, Tensor], grad_norm: Tensor, finite: Tensor) -> None:
        """Add an update's sums and gradient norm; remember the first step not finite.

        A norm that overflowed in float16, where the update was skipped, counts as 0.
        """
        norm = torch.nan_to_num(grad_norm.double(), posinf=0.0)
        self._names = tuple(sums)
        self._sums = self._sums + torch.stack((norm, *(x.double() for x in sums.values())))
        bad = ~finite & (self._first_bad < 0)
        self._first_bad = torch.where(bad, step, self._first_bad)
        self._updates += 1

    def count(self, units: int, games: int, flops: int) -> None:
        """Add an update's units (supervised tokens, positions), games and FLOPs."""
        self._tokens += units
        self._games += games
        self._flops += flops

    def end_step(self, waited: float) -> None:
        """Count a step, with the seconds spent waiting for data."""
        self._steps += 1
        self._waited += waited

    def exclude(self, seconds: float) -> None:
        """Leave a pause (evaluation, checkpoint) out of the window's speed."""
        self._clock += seconds

    def first_bad_step(self) -> int | None:
        """Return the first step whose loss was not finite; waits for the device."""
        step = int(self._first_bad.item())
        return step if step >= 0 else None

    def take(self) -> dict[str, float | None]:
        """Return the window's means and speeds, and start the next window.

        flops_per_s: by the rule of `pawn_core.flops`; mfu: its share of the device's 16-bit peak,
        null where that is unknown or the run computes in float32; device_memory_bytes: the most
        that tensors have held at once on a GPU, null on a CPU.
        """
        norm, *sums = self._sums.tolist()
        elapsed = max(time.perf_counter() - self._clock, 1e-9)
        tokens, steps = self._tokens - self._before[0], self._steps - self._before[1]
        speed = self._flops / elapsed
        fields = {
            **{name: x / max(self._tokens, 1) for name, x in zip(self._names, sums, strict=True)},
            "grad_norm": norm / max(self._updates, 1),
            "tokens_per_s": tokens / elapsed,
            "games_per_s": self._games / elapsed,
            "flops_per_s": speed,
            "mfu": speed / self._peak_flops if self._peak_flops else None,
            "data_wait_s": self._waited / max(steps, 1),
            "step_s": elapsed / max(steps, 1),
            "device_memory_bytes": most_memory_bytes(self._device),
        }
        self._begin()
        return fields

    def state_dict(self) -> dict[str, Any]:
        """Return the open window; speeds are not part of it."""
        norm, *sums = self._sums.tolist()
        totals = dict(zip(self._names, sums, strict=True))
        counts = {"tokens": self._tokens, "steps": self._steps, "updates": self._updates}
        return {**totals, "norm": norm, **counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with a saved window."""
        self._names = tuple(name for name in state if name not in _OF_STEPS)
        values = [state["norm"], *(state[name] for name in self._names)]
        self._sums = torch.tensor(values, dtype=torch.float64, device=self._device)
        self._tokens, self._steps = self._before = state["tokens"], state["steps"]
        self._updates = state.get("updates", self._steps)  # one a step, before there were several

    def _begin(self) -> None:
        self._names: tuple[str, ...] = ()
        self._sums = torch.zeros(1, dtype=torch.float64, device=self._device)
        """The gradient norms, then by name."""
        self._tokens = self._games = self._flops = self._steps = self._updates = 0
        self._before = (0, 0)  # tokens and steps of the window before a resume: not timed here
        self._waited = 0.0
        self._clock = time.perf_counter()
