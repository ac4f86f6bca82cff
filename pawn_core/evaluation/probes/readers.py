"""Kinds of probes: how each is trained, and what it reads off a state.

Shapes: s states, n positions, d width, o outputs of a probe, m outputs of all regression probes.
"""

from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from pawn_core.evaluation.probes.fit import Fit
from pawn_core.evaluation.probes.heads import HiddenHeads, LinearHeads, readings
from pawn_core.evaluation.probes.moments import (
    CLASSIFICATIONS,
    REGRESSIONS,
    Moments,
    Ridge,
    by_regression,
)
from pawn_core.evaluation.probes.registry import PROBES, Probe


class Reader(Protocol):
    """All probes of a kind, one for each state."""

    fit: Fit

    def read(self, x_snd: Tensor) -> dict[str, Tensor]:
        """Return what each probe says of normalized states (s, n, o)."""
        ...

    def training_loss_s(self, probe: Probe) -> Tensor:
        """Return how far each state's probe was from the training targets."""
        ...


class LinearReader:
    """Linear probes: classes by AdamW, numbers by least squares."""

    def __init__(self, states: int, width: int, moments: Moments, device: torch.device) -> None:
        self._moments = moments
        self.fit = Fit(LinearHeads(CLASSIFICATIONS, states, width), device)

    @cached_property
    def _ridge(self) -> Ridge:
        """The solution, once the moments of all training games are there."""
        return self._moments.ridge()

    def read(self, x_snd: Tensor) -> dict[str, Tensor]:
        """Return what each probe says of normalized states (s, n, o)."""
        y_snm = x_snd @ self._ridge.weight_sdm + self._ridge.bias_m
        return readings(self.fit.heads, x_snd) | by_regression(y_snm)

    def training_loss_s(self, probe: Probe) -> Tensor:
        """Return the mean loss over the last epoch; of a regression the unexplained share."""
        if probe.kind != "regression":
            return self.fit.loss_s(probe)
        _, deviation_m = self._moments.target_scale()
        unexplained_sm = self._ridge.error_sm / deviation_m.square()
        return by_regression(unexplained_sm)[probe.name].mean(dim=1)


class HiddenReader:
    """Probes with one hidden layer, all by AdamW."""

    def __init__(
        self, states: int, width: int, units: int, seed: int, moments: Moments, device: torch.device
    ) -> None:
        self._moments = moments
        generator = torch.Generator().manual_seed(seed)
        self.fit = Fit(HiddenHeads(PROBES, states, width, units, generator), device)

    def read(self, x_snd: Tensor) -> dict[str, Tensor]:
        """Return what each probe says of normalized states (s, n, o)."""
        outputs = readings(self.fit.heads, x_snd)
        mean_m, deviation_m = self._moments.target_scale()
        y_snm = torch.cat([outputs[probe.name] for probe in REGRESSIONS], dim=2)
        return outputs | by_regression(y_snm * deviation_m.float() + mean_m.float())

    def training_loss_s(self, probe: Probe) -> Tensor:
        """Return the mean loss over the last epoch."""
        return self.fit.loss_s(probe)
