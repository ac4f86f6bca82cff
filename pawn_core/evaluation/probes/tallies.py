"""What the probes get right on each held-out game; a figure is a function of sums over games.

Shapes: g games, s states, n positions, o outputs of a probe, c classes, k cells of a probe (its
classes, of binary ones its outputs), m outputs of all regression probes.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.evaluation.probes.examples import Examples
from pawn_core.evaluation.probes.moments import CLASSIFICATIONS, REGRESSIONS, regression_targets
from pawn_core.evaluation.probes.registry import Probe


class TargetTally:
    """Of each game, what there was to read: the reference for what a probe gets right."""

    def __init__(self, games: int, device: torch.device) -> None:
        m = sum(probe.width for probe in REGRESSIONS)

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.float64, device=device)

        self.sums = {
            "n_g1": zeros(games, 1),
            "y_gm": zeros(games, m),
            "yy_gm": zeros(games, m),
            "off_mean_gm": zeros(games, m),
        } | {
            f"count_goc.{probe.name}": zeros(games, len(probe.outputs), len(probe.classes))
            for probe in CLASSIFICATIONS
        }

    def add(self, examples: Examples, mean_m: Tensor) -> None:
        """Add positions; `mean_m` is the mean of the regression targets in training."""
        games_n, y_nm, sums = examples.games_n, regression_targets(examples).double(), self.sums
        sums["n_g1"].index_add_(0, games_n, torch.ones_like(y_nm[:, :1]))
        sums["y_gm"].index_add_(0, games_n, y_nm)
        sums["yy_gm"].index_add_(0, games_n, y_nm.square())
        sums["off_mean_gm"].index_add_(0, games_n, (y_nm - mean_m).abs())
        for probe in CLASSIFICATIONS:
            classes_noc = F.one_hot(examples.targets[probe.name], len(probe.classes)).double()
            sums[f"count_goc.{probe.name}"].index_add_(0, games_n, classes_noc)

    def counts_goc(self, probe: Probe) -> Tensor:
        """Return how often each class of a probe's outputs comes in each game."""
        return self.sums[f"count_goc.{probe.name}"]


class ReadingTally:
    """Of each game and state, what one kind of probe got right, and by how much it was off."""

    def __init__(self, games: int, states: int, device: torch.device) -> None:
        def zeros(outputs: int) -> Tensor:
            return torch.zeros(games, states, outputs, dtype=torch.float64, device=device)

        correct = {f"correct_gsk.{probe.name}": zeros(cells(probe)) for probe in CLASSIFICATIONS}
        squared = {f"squared_gso.{probe.name}": zeros(probe.width) for probe in REGRESSIONS}
        absolute = {f"absolute_gso.{probe.name}": zeros(probe.width) for probe in REGRESSIONS}
        self.sums = correct | squared | absolute

    def add(self, examples: Examples, readings: Mapping[str, Tensor]) -> None:
        """Add positions, with what the probes read at them (s, n, o)."""
        for probe in CLASSIFICATIONS:
            self._add_correct(probe, examples, readings[probe.name])
        for probe in REGRESSIONS:
            off_sno = readings[probe.name].double() - examples.targets[probe.name]
            off_nso = off_sno.transpose(0, 1)
            self._add(f"squared_gso.{probe.name}", examples.games_n, off_nso.square())
            self._add(f"absolute_gso.{probe.name}", examples.games_n, off_nso.abs())

    def _add(self, name: str, games_n: Tensor, values: Tensor) -> None:
        self.sums[name].index_add_(0, games_n, values)

    def _add_correct(self, probe: Probe, examples: Examples, reading_sno: Tensor) -> None:
        target_no = examples.targets[probe.name]
        correct_sno = (reading_sno == target_no).double()
        cell_no = target_no
        if probe.kind != "categorical":
            cell_no = torch.arange(target_no.shape[1], device=target_no.device).expand_as(target_no)
        place_no = examples.games_n[:, None] * cells(probe) + cell_no
        sums_gsk = self.sums[f"correct_gsk.{probe.name}"]
        flat_sg = sums_gsk.new_zeros(sums_gsk.shape[1], sums_gsk.shape[0] * cells(probe))
        flat_sg.index_add_(1, place_no.flatten(), correct_sno.flatten(1))
        sums_gsk += flat_sg.unflatten(1, (-1, cells(probe))).transpose(0, 1)


def cells(probe: Probe) -> int:
    """Return the number of parts that a probe's accuracy is counted in."""
    return len(probe.classes if probe.kind == "categorical" else probe.outputs)
