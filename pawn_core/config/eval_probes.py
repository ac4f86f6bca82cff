"""The linear probes' fields, and how their work falls into shards, each a block of games."""

from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from pawn_core.config.base import BaseConfig
from pawn_core.config.types import FIXED_ON_RESUME, Seed

if TYPE_CHECKING:
    from pawn_core.config.eval import EvalConfig

BLOCK_GAMES = 64
DEFAULT_PROBE_SEED = 2_000_000_033


class EvalProbesConfig(BaseConfig):
    """What probes are trained on, and for how long; they are read on the fresh games."""

    probe_train_games: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        description="Random games to train probes on.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    probe_seed: Seed = Field(
        DEFAULT_PROBE_SEED,
        description="Of those games; never games_seed.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    probe_share: float = Field(
        0.1,
        gt=0.0,
        le=1.0,
        description="Of their positions, to train on.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    probe_epochs: int = Field(
        20,
        ge=1,
        le=10_000,
        description="Passes over them.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    probe_lr: float = Field(
        1e-3,
        gt=0.0,
        le=1.0,
        description="AdamW's learning rate, which falls to 0 along a cosine.",
        json_schema_extra=FIXED_ON_RESUME,
    )
    probe_hidden: int = Field(
        0,
        ge=0,
        le=4096,
        description="Units of a hidden layer, for nonlinear probes beside the linear; 0: none.",
        json_schema_extra=FIXED_ON_RESUME,
    )


class ProbePlan(NamedTuple):
    """Passes over blocks of games: for moments, the epochs of training, over held-out games."""

    train_games: int
    epochs: int
    test_games: int

    @classmethod
    def of(cls, config: "EvalConfig") -> "ProbePlan":
        """Return the config's plan."""
        return cls(config.probe_train_games, config.probe_epochs, config.games)

    @property
    def train_blocks(self) -> int:
        """Blocks of a pass over the training games."""
        return -(-self.train_games // BLOCK_GAMES)

    @property
    def fitting(self) -> range:
        """The shards that train; those before are for moments, those after for held-out games."""
        return range(self.train_blocks, self.train_blocks * (1 + self.epochs))

    @property
    def shards(self) -> int:
        """Blocks of all passes."""
        return self.fitting.stop + -(-self.test_games // BLOCK_GAMES)

    def train_span(self, shard: int) -> tuple[int, int]:
        """Return the first of the training games of a shard, and how many they are."""
        return _span(shard % self.train_blocks, self.train_games)

    def test_span(self, shard: int) -> tuple[int, int]:
        """Return the first of the held-out games of a shard, and how many they are."""
        return _span(shard - self.fitting.stop, self.test_games)


def shards_of_probes(config: "EvalConfig") -> int:
    """Return the shards that the probes make."""
    return ProbePlan.of(config).shards


def _span(block: int, games: int) -> tuple[int, int]:
    first = block * BLOCK_GAMES
    return first, min(BLOCK_GAMES, games - first)
