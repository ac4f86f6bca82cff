"""Sums over the training positions: how to normalize states, and what follows in closed form.

Shapes: s states, n positions, d width, m outputs of all regression probes, o outputs of a probe,
c classes, k any targets.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.evaluation.probes.examples import Examples
from pawn_core.evaluation.probes.registry import PROBES

REGRESSIONS = tuple(probe for probe in PROBES if probe.kind == "regression")
CLASSIFICATIONS = tuple(probe for probe in PROBES if probe.kind != "regression")
_RIDGE = 1e-6  # against channels that are sums of others
_CONSTANT = 1e-6  # a smaller deviation is rounding, not a channel that varies


class Ridge(NamedTuple):
    """Linear least squares of every regression output on normalized states."""

    weight_sdm: Tensor
    """float32."""
    bias_m: Tensor
    """float32."""
    error_sm: Tensor
    """float64, mean squared error on the positions that it was fitted to."""


class Moments:
    """First and second moments of states and regression targets, and counts of classes."""

    def __init__(self, states: int, width: int, device: torch.device) -> None:
        m = sum(probe.width for probe in REGRESSIONS)
        shapes = {
            "positions": (),
            "x_sd": (states, width),
            "xx_sdd": (states, width, width),
            "y_m": (m,),
            "yy_m": (m,),
            "xy_sdm": (states, width, m),
        } | {
            f"count_oc.{probe.name}": (len(probe.outputs), len(probe.classes))
            for probe in CLASSIFICATIONS
        }
        self.sums = {
            name: torch.zeros(shape, dtype=torch.float64, device=device)
            for name, shape in shapes.items()
        }

    def add(self, examples: Examples) -> None:
        """Add positions."""
        x_snd, y_nm = examples.states_snd.double(), regression_targets(examples).double()
        sums = self.sums
        sums["positions"] += len(y_nm)
        sums["x_sd"] += x_snd.sum(dim=1)
        sums["xx_sdd"] += x_snd.mT @ x_snd
        sums["y_m"] += y_nm.sum(dim=0)
        sums["yy_m"] += y_nm.square().sum(dim=0)
        sums["xy_sdm"] += x_snd.mT @ y_nm
        for probe in CLASSIFICATIONS:
            target_no = examples.targets[probe.name]
            counts_oc = F.one_hot(target_no, len(probe.classes)).sum(dim=0)
            sums[f"count_oc.{probe.name}"] += counts_oc

    @property
    def counts_oc(self) -> dict[str, Tensor]:
        """How often each class of each output has come, by probe."""
        return {probe.name: self.sums[f"count_oc.{probe.name}"] for probe in CLASSIFICATIONS}

    def state_scale(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the states, float64 (s, 1, d)."""
        n = self.sums["positions"]
        mean_sd = self.sums["x_sd"] / n
        variance_sd = self.sums["xx_sdd"].diagonal(dim1=1, dim2=2) / n - mean_sd.square()
        return mean_sd[:, None], _deviation(variance_sd)[:, None]

    def target_scale(self) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the regression targets, float64 (m,)."""
        mean_m = self.sums["y_m"] / self.sums["positions"]
        variance_m = self.sums["yy_m"] / self.sums["positions"] - mean_m.square()
        return mean_m, _deviation(variance_m)

    def normalized(self, x_snd: Tensor) -> Tensor:
        """Return states with mean 0 and variance 1 over the training positions."""
        mean_s1d, deviation_s1d = self.state_scale()
        return (x_snd - mean_s1d.float()).div_(deviation_s1d.float())

    def to_fit(self, examples: Examples) -> Examples:
        """Return examples with normalized states and normalized regression targets."""
        mean_m, deviation_m = self.target_scale()
        y_nm = (regression_targets(examples) - mean_m) / deviation_m
        targets = examples.targets | by_regression(y_nm.float())
        states_snd = self.normalized(examples.states_snd)
        return examples._replace(states_snd=states_snd, targets=targets)

    def ridge(self) -> Ridge:
        """Return the exact solution, with a penalty of 1e-6 on normalized states."""
        n = self.sums["positions"]
        mean_m = self.sums["y_m"] / n
        weight_sdm, explained_sm = self.solve(self.sums["xy_sdm"], mean_m)
        error_sm = self.sums["yy_m"] / n - mean_m.square() - explained_sm
        return Ridge(weight_sdm.float(), mean_m.float(), error_sm)

    def solve(self, xy_sdk: Tensor, mean_k: Tensor) -> tuple[Tensor, Tensor]:
        """Return weights (s, d, k) on normalized states, and how much variance (s, k) they explain.

        Args:
            xy_sdk: sums over the positions of states times any k targets.
            mean_k: means of these targets.
        """
        n = self.sums["positions"]
        mean_s1d, deviation_s1d = self.state_scale()
        outer_sdd = mean_s1d.mT @ mean_s1d
        covariance_sdd = (self.sums["xx_sdd"] / n - outer_sdd) / (deviation_s1d.mT @ deviation_s1d)
        common_sdk = (xy_sdk / n - mean_s1d.mT * mean_k) / deviation_s1d.mT
        penalty_dd = _RIDGE * torch.eye(covariance_sdd.shape[1]).to(covariance_sdd)
        # Not by LU: oneMKL's, of several matrices at once on two threads, fails (torch 2.15).
        lower_sdd = torch.linalg.cholesky(covariance_sdd + penalty_dd)
        weight_sdk = torch.cholesky_solve(common_sdk, lower_sdd)
        explained_sk = (weight_sdk * (2 * common_sdk - covariance_sdd @ weight_sdk)).sum(dim=1)
        return weight_sdk, explained_sk


def regression_targets(examples: Examples) -> Tensor:
    """Return the targets of all regression probes side by side, int64 (n, m)."""
    return torch.cat([examples.targets[probe.name] for probe in REGRESSIONS], dim=1)


def by_regression(y_xm: Tensor) -> dict[str, Tensor]:
    """Return the part of each regression probe along the last dimension."""
    parts = y_xm.split([probe.width for probe in REGRESSIONS], dim=-1)
    return {probe.name: part for probe, part in zip(REGRESSIONS, parts, strict=True)}


def _deviation(variance: Tensor) -> Tensor:
    """Return the standard deviation; 1 for what is constant."""
    deviation = variance.clamp(min=0.0).sqrt()
    return torch.where(deviation > _CONSTANT, deviation, 1.0)
