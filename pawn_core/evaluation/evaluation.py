"""What an evaluation is, and what it may use."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol

import torch
from chess_engine import Vocabulary
from torch import Tensor
from typing_extensions import TypeVar

from pawn_core.config.eval import EvalConfig
from pawn_core.data.games import GameSource
from pawn_core.evaluation.report import Report
from pawn_core.evaluation.subjects import longest_game
from pawn_core.model import Transformer
from pawn_core.position_model import LoadedPositionModel
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.weights import Pretrained
from pawn_core.weights.spec import ModelSpec

_LOG = logging.getLogger("pawn_core")
Measured = TypeVar("Measured", bound=Pretrained | LoadedPositionModel, default=Pretrained)
"""What kind of model: of moves, unless an evaluation says otherwise."""


@dataclass(frozen=True)
class Context(Generic[Measured]):
    """What an evaluation may use."""

    pretrained: Measured
    """On the runtime's device, in evaluation mode, without gradients."""
    config: EvalConfig
    runtime: Runtime
    stop: StopFlag
    trained_by: Mapping[str, Any]
    """The config beside the plain weights, a backbone's too; empty where there is none."""
    folder: Path
    """For files that are part of the result, such as games; made by who writes there."""
    adapted_by: Mapping[str, Any] = field(default_factory=dict)
    """The config of the adapter in the model; empty where there is none."""
    say: Callable[[str], None] = _LOG.info
    """Told how far a long reading is."""

    @property
    def model(self: "Context[Pretrained]") -> Transformer:
        """The model."""
        return self.pretrained.model

    @property
    def vocabulary(self: "Context[Pretrained]") -> Vocabulary:
        """Its tokens."""
        return self.pretrained.vocabulary

    @property
    def spec(self: "Context[Pretrained]") -> ModelSpec:
        """Its dimensions, and how it is fed."""
        return self.pretrained.spec

    @property
    def fresh_games(self: "Context[Pretrained]") -> GameSource:
        """The random games of the config, laid out as the model reads them."""
        config, spec = self.config, self.spec
        return GameSource(
            seed=config.games_seed,
            max_ply=self.max_ply,
            mate_boost=config.mate_boost,
            discard_ply_limit=config.discard_ply_limit,
            vocabulary=spec.vocabulary,
            layout="prefixed" if spec.prepend_outcome else "pure",
            threads=torch.get_num_threads(),
        )

    def games_of(self, shard: int) -> tuple[int, int]:
        """Return the first of the fresh games that a shard measures on, and how many they are."""
        first = shard * self.config.shard_games
        return first, min(self.config.shard_games, self.config.games - first)

    @property
    def max_ply(self) -> int:
        """Most plies of a game: what the config allows, or else what the model's context holds."""
        return self.config.max_ply or longest_game(self.pretrained)


class Evaluation(Protocol):
    """One evaluation of one model: shards of work, each addressed by its number, summed up.

    It is built anew when a run is resumed, and gets its sums back. Shards come in rising order,
    each once. An implementation is a subclass; what is not abstract it may leave out.
    """

    @classmethod
    def check(cls, context: Context[Any]) -> None:
        """Refuse, before any work of the run, what cannot be done at the end of it.

        Raises:
            ConfigError: this model cannot be measured so, or what it needs is not there.
        """

    @abstractmethod
    def __init__(self, context: Context[Any]) -> None:
        """Prepare the work, when its turn has come."""

    @abstractmethod
    def run(self, shard: int) -> None:
        """Add the sums of a shard: a pure function of the weights, the config and its number.

        Raises:
            Interrupted: the run was asked to stop (`StopFlag.check`); nothing was added.
        """

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return the sums so far; CPU tensors by names of their own."""

    @abstractmethod
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from the sums of `state`."""

    @abstractmethod
    def report(self) -> Report:
        """Return what the sums of all shards come to.

        Raises:
            Interrupted: the run was asked to stop.
        """

    def close(self) -> None:
        """Give up processes and files; after the report, or when the run stops before it."""
