"""Scores of the probes: functions of sums over held-out games, with 95 % intervals over games.

Shapes: x the sums of all games, then those of each resampling of them; g games, s states, o outputs
of a probe, k cells of a probe (see `tallies`), c classes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.evaluation.intervals import exact, percentiles, resampled_sums
from pawn_core.evaluation.probes.moments import REGRESSIONS, Moments, by_regression
from pawn_core.evaluation.probes.registry import PROBES, Probe
from pawn_core.evaluation.probes.tallies import cells

Array = NDArray[np.float64]


class Reading(NamedTuple):
    """A measure and its interval; None where there was nothing to measure."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Score:
    """One measure of a probe at every state."""

    name: str
    probe: Probe
    definition: str
    values_xs: Array
    parts: dict[str, Array]
    """The same (x, s) by output, or by class."""
    baseline: float
    """What the majority class, or the mean, of the training positions comes to."""
    n: int
    """Outputs that were read."""
    games: int
    is_share: bool

    def at(self, state: int) -> Reading:
        """Return the measure of a state's probe."""
        return self._reading(self.values_xs[:, state])

    def parts_at(self, state: int) -> dict[str, Reading]:
        """Return the measure of each output, or class, alone."""
        return {label: self._reading(part_xs[:, state]) for label, part_xs in self.parts.items()}

    def _reading(self, values_x: Array) -> Reading:
        """Return the value of all games, with what lies around the middle of the resampled ones.

        Where all or none is right, games count as trials: every resampling is the same there.
        """
        value = values_x[0]
        if not np.isfinite(value):
            return Reading(None, None, None)
        if self.is_share and value in (0.0, 1.0):
            return Reading(float(value), *exact(round(value * self.games), self.games))
        return Reading(float(value), *percentiles(values_x[np.isfinite(values_x)]))


class Totals:
    """Sums over games, of all of them and of each resampling."""

    def __init__(self, sums: Mapping[str, Tensor], seed: int) -> None:
        arrays = {name: tensor.cpu().numpy() for name, tensor in sums.items()}
        flat_gk = np.concatenate([a.reshape(len(a), -1) for a in arrays.values()], axis=1)
        flat_xk = np.concatenate((flat_gk.sum(axis=0)[None], resampled_sums(flat_gk, seed)))
        ends = np.cumsum([array[0].size for array in arrays.values()])
        parts = np.split(flat_xk, ends[:-1], axis=1)
        self._sums = {
            name: part.reshape(-1, *array.shape[1:])
            for (name, array), part in zip(arrays.items(), parts, strict=True)
        }

    def __getitem__(self, name: str) -> Array:
        return self._sums[name]


@dataclass(frozen=True)
class Scorer:
    """Scores a kind of probes."""

    targets: Totals
    """Of a `TargetTally`."""
    readings: Totals
    """Of a `ReadingTally`."""
    moments: Moments
    games: int

    def scores(self) -> Iterator[Score]:
        """Yield every measure of every probe."""
        for probe in PROBES:
            if probe.kind == "regression":
                yield self._r2(probe)
                yield self._mae(probe)
            else:
                for suffix, count in (("", cells(probe)), *probe.subsets):
                    yield self._accuracy(probe, suffix, count)

    def _accuracy(self, probe: Probe, suffix: str, count: int) -> Score:
        """Return the accuracy over outputs in the first few cells."""
        labels = probe.classes if probe.kind == "categorical" else probe.outputs
        correct_xsk = self.readings[f"correct_gsk.{probe.name}"][..., :count]
        counts_xoc = self.targets[f"count_goc.{probe.name}"]
        summed = 1 if probe.kind == "categorical" else 2
        whole_xk = counts_xoc.sum(axis=summed)[:, None, :count]
        parts_xsk = _ratio(correct_xsk, whole_xk)
        return Score(
            name=probe.name + suffix,
            probe=probe,
            definition=f"accuracy over {suffix.strip('_') or 'all'} outputs",
            values_xs=_ratio(correct_xsk.sum(axis=2), whole_xk.sum(axis=2)),
            parts={label: parts_xsk[..., k] for k, label in enumerate(labels[:count])},
            baseline=self._majority(probe, counts_xoc[0], count),
            n=int(whole_xk[0].sum()),
            games=self.games,
            is_share=True,
        )

    def _majority(self, probe: Probe, counts_oc: Array, count: int) -> float:
        """Return the accuracy of each output's most frequent class in training."""
        if probe.kind == "categorical":
            counts_oc = counts_oc[:, :count]
        trained_oc = self.moments.counts_oc[probe.name].cpu().numpy()[:, : counts_oc.shape[1]]
        right = counts_oc[np.arange(len(counts_oc)), trained_oc.argmax(axis=1)].sum()
        return float(_ratio(right, counts_oc.sum()))

    def _r2(self, probe: Probe) -> Score:
        n_x1, y_xo, yy_xo = self._target_sums(probe)
        around_mean_xo = yy_xo - y_xo**2 / n_x1
        squared_xso = self.readings[f"squared_gso.{probe.name}"]
        mean_o = self._training_mean(probe)
        off_mean_o = (yy_xo - 2 * mean_o * y_xo + n_x1 * mean_o**2)[0]
        return self._regression(
            probe,
            "_r2",
            "R2, 1 - squared error / squared deviation from the held-out mean",
            1 - _ratio(squared_xso, around_mean_xo[:, None]),
            1 - _ratio(off_mean_o, around_mean_xo[0]),
        )

    def _mae(self, probe: Probe) -> Score:
        n_x1, _, _ = self._target_sums(probe)
        off_mean_o = self._of(probe, self.targets["off_mean_gm"])[0]
        absolute_xso = self.readings[f"absolute_gso.{probe.name}"]
        return self._regression(
            probe,
            "_mae",
            "mean absolute error",
            _ratio(absolute_xso, n_x1[:, None]),
            _ratio(off_mean_o, n_x1[0]),
        )

    def _regression(
        self, probe: Probe, suffix: str, definition: str, parts_xso: Array, baseline_o: Array
    ) -> Score:
        several = len(probe.outputs) > 1
        return Score(
            name=probe.name + suffix,
            probe=probe,
            definition=definition + (", mean over outputs that vary" if several else ""),
            values_xs=_mean(parts_xso),
            parts={label: parts_xso[..., o] for o, label in enumerate(probe.outputs)},
            baseline=float(_mean(baseline_o)),
            n=int(self.targets["n_g1"][0, 0]) * len(probe.outputs),
            games=self.games,
            is_share=False,
        )

    def _target_sums(self, probe: Probe) -> tuple[Array, Array, Array]:
        """Return positions (x, 1), and sums of targets and of their squares (x, o)."""
        y_xo, yy_xo = (self._of(probe, self.targets[name]) for name in ("y_gm", "yy_gm"))
        return self.targets["n_g1"], y_xo, yy_xo

    def _training_mean(self, probe: Probe) -> Array:
        mean_m, _ = self.moments.target_scale()
        return by_regression(mean_m)[probe.name].cpu().numpy()

    @staticmethod
    def _of(probe: Probe, sums_xm: Array) -> Array:
        begin = sum(other.width for other in REGRESSIONS[: REGRESSIONS.index(probe)])
        return sums_xm[:, begin : begin + probe.width]


def _ratio(part: NDArray, whole: NDArray) -> Array:
    """Return part / whole; nan where the whole is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _mean(values: Array) -> Array:
    """Return the mean over the last dimension, of what is a number."""
    finite = np.isfinite(values)
    return _ratio(np.where(finite, values, 0.0).sum(axis=-1), finite.sum(axis=-1))
