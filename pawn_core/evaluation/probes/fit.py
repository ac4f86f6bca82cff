"""Probes in training: AdamW on the positions of one block of games after the other.

Shapes: s states, n positions, d width, o outputs of a probe, p probes.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pawn_core.evaluation.probes.examples import Examples
from pawn_core.evaluation.probes.heads import Heads, loss_and_gradient, start_at_base_rates
from pawn_core.evaluation.probes.registry import Probe
from pawn_core.training.rules import AdamW

WEIGHT_DECAY = 0.01
BETAS = (0.9, 0.999)
BATCH_POSITIONS = 512


class Fit:
    """Heads, what AdamW keeps of them, and their loss over the last epoch."""

    def __init__(self, heads: Heads, device: torch.device) -> None:
        self.heads = heads.to(device)
        named = dict(self.heads.named_parameters())
        self._rule = AdamW(named, WEIGHT_DECAY, betas=BETAS)
        states = next(iter(heads.parameters())).shape[0]
        self._loss_sp = torch.zeros(states, len(heads.probes), dtype=torch.float64, device=device)
        self._batches = torch.zeros((), dtype=torch.int64)

    def begin(self, counts_oc: Mapping[str, Tensor]) -> None:
        """Begin where each class is as likely as it was in training, `counts_oc` times."""
        start_at_base_rates(self.heads, counts_oc)

    def learn(self, examples: Examples, *, key: tuple[int, int], lr: float, last: bool) -> None:
        """Take a step on each batch of some normalized examples.

        Args:
            key: of the order in which positions come.
            lr: learning rate.
            last: whether this is the last epoch, whose losses are kept.
        """
        for places in batches(len(examples.games_n), key):
            losses_sp = self._step(examples.at(places.to(examples.games_n.device)), lr)
            if last:
                self._loss_sp += losses_sp
                self._batches += 1

    def _step(self, batch: Examples, lr: float) -> Tensor:
        outputs = self.heads(batch.states_snd)
        pairs = [
            loss_and_gradient(probe, out_snw, batch.targets[probe.name])
            for probe, out_snw in zip(self.heads.probes, outputs, strict=True)
        ]
        self.heads.zero_grad()
        torch.autograd.backward(outputs, [gradient_snw for _, gradient_snw in pairs])
        with torch.no_grad():
            self._rule.update(lr)
        return torch.stack([loss_s for loss_s, _ in pairs], dim=1).double()

    def loss_s(self, probe: Probe) -> Tensor:
        """Return the mean loss of each state's probe over the last epoch, before each step."""
        return self._loss_sp[:, self.heads.probes.index(probe)] / self._batches

    def state(self) -> dict[str, Tensor]:
        """Return all that is needed to go on."""
        tensors = {"loss_sp": self._loss_sp, "batches": self._batches}
        heads = {name: tensor.detach() for name, tensor in self.heads.named_parameters()}
        return tensors | heads | self._rule.state()

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from a state."""
        for name, tensor in self.state().items():
            tensor.copy_(tensors[name])


def falling_rate(done: int, total: int) -> float:
    """Return the share of the learning rate: a cosine from 1 to 0."""
    return (1 + math.cos(math.pi * done / total)) / 2


def batches(positions: int, key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Return all positions in random order, in batches of about `BATCH_POSITIONS`."""
    order = np.random.Generator(np.random.Philox(key=key)).permutation(positions)
    parts = max(1, round(positions / BATCH_POSITIONS))
    return torch.from_numpy(order).tensor_split(parts) if positions else ()
