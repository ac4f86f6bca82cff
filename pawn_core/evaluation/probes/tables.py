"""What the probes read, laid out: figures, and tables by layer and by output.

Shapes: s states, of the model the embedding, then every layer, then those of the untrained network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pawn_core.evaluation.probes.scoring import Score
from pawn_core.evaluation.report import Figure, Table

NETWORKS = ("model", "untrained")


@dataclass(frozen=True)
class Findings:
    """The scores of a kind of probes, and at which state each probe is quoted."""

    kind: str
    """Such as `linear`."""
    scores: tuple[Score, ...]
    losses_s: dict[str, Tensor]
    """By probe, what each state's was off by in training."""
    depths: int
    """States of a network."""

    def best(self, score: Score, network: int = 0) -> int:
        """Return a network's state whose probe had the least loss in training."""
        first = network * self.depths
        losses = self.losses_s[score.probe.name][first : first + self.depths]
        return first + int(losses.argmin())

    def figures(self) -> Iterator[Figure]:
        """Yield the model's score at its best layer."""
        for score in self.scores:
            state = self.best(score)
            where = f"{self.kind} probe, {depth_name(state)}"
            definition = f"{score.definition}; {where}"
            yield Figure(score.name, *score.at(state), score.n, definition)

    def tables(self) -> Iterator[Table]:
        """Yield what stands beside each figure, every layer, and every output."""
        beside = ("figure", "layer", "value", "low", "high", "embedding", "untrained", "baseline")
        yield Table(self.kind, beside, tuple(map(self._beside, self.scores)))
        layers = ("figure", "network", "layer", "value", "low", "high")
        yield Table(f"{self.kind}_layers", layers, tuple(self._layers()))
        outputs = ("figure", "output", "value", "low", "high")
        yield Table(f"{self.kind}_outputs", outputs, tuple(self._outputs()))

    def _beside(self, score: Score) -> tuple[Any, ...]:
        state, untrained = self.best(score), self.best(score, network=1)
        return (
            score.name,
            depth_name(state),
            *score.at(state),
            score.at(0).value,
            score.at(untrained).value,
            score.baseline,
        )

    def _layers(self) -> Iterator[tuple[Any, ...]]:
        for score in self.scores:
            for state in range(2 * self.depths):
                network, depth = divmod(state, self.depths)
                where = (score.name, NETWORKS[network], depth_name(depth))
                yield *where, *score.at(state)

    def _outputs(self) -> Iterator[tuple[Any, ...]]:
        for score in self.scores:
            for output, reading in score.parts_at(self.best(score)).items():
                yield score.name, output, *reading


def depth_name(depth: int) -> str:
    """Return what a state of a network is called."""
    return f"layer {depth}" if depth else "embedding"
