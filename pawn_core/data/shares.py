"""Which places of the stream of games a process computes, and how many at once."""

from typing import NamedTuple

from pawn_core.config import TrainingConfig
from pawn_core.parallel import Processes

_MOST_EVAL_GAMES = 64  # an evaluation keeps a whole batch's logits: 64 x 512 x 1,980


class Share(NamedTuple):
    """A process's part of each batch: micro-batches of games that follow each other."""

    batch_size: int
    """Games of a batch, of all processes."""
    offset: int
    """Games of a batch that come before this process's."""
    micro_batches: int
    size: int
    """Games of a micro-batch."""

    @classmethod
    def of(cls, config: TrainingConfig, processes: Processes) -> "Share":
        """Return this process's share."""
        games, micro_batches = config.batch_size // processes.size, config.accumulation_steps
        offset = processes.rank * games
        return cls(config.batch_size, offset, micro_batches, games // micro_batches)

    def firsts(self, index: int) -> list[int]:
        """Return the place of the first game of each micro-batch of the index-th batch."""
        first = index * self.batch_size + self.offset
        return [first + i * self.size for i in range(self.micro_batches)]


def games_evaluated_at_once(config: TrainingConfig) -> int:
    """Return how many games an evaluation computes side by side."""
    return min(config.batch_size // config.accumulation_steps, _MOST_EVAL_GAMES)
