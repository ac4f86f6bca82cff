"""The seven self-supervised tasks of positions: one entry each. Never imports torch.

What each target is, `chess_engine.encode_positions` says.
"""

from typing import Literal, NamedTuple

from pawn_core.config.errors import entry_named

IGNORED = 255
"""A square's target where the task asks nothing of it."""


class PositionTask(NamedTuple):
    """A task: its name, and what a head says of each square."""

    name: str
    outputs: int
    """Channels of its head, and planes of its target where its law is `binary`."""
    law: Literal["classes", "binary"]
    """One of `outputs` classes, or yes or no for each of `outputs` planes."""
    weight: float
    """Of its loss among the seven, by default (Matrix0's flags)."""
    rates: tuple[float, ...]
    """Of each output on the squares of 100,000 positions of random games that count: what a new
    head says, as one that begins with one half of what is rare takes thousands of steps to unlearn
    it (Lin et al., 2017, section 4.1)."""
    of_hidden: bool = False
    """Whether only squares that are hidden from the input count: the others would be copied."""


_MEN = (0.073, 0.019, 0.020, 0.023, 0.008, 0.016)
_STRUCTURE = (0.073, 0.073, 0.038, 0.015, 0.027, 0.031, 0.275, 0.349)
POSITION_TASKS: tuple[PositionTask, ...] = (
    PositionTask("piece", 13, "classes", 1.0, (*_MEN, *_MEN, 0.682), of_hidden=True),
    PositionTask("threat", 1, "binary", 0.8, (0.473,)),
    PositionTask("pin", 1, "binary", 0.7, (0.0012,)),
    PositionTask("fork", 1, "binary", 0.6, (0.0078,)),
    PositionTask("control", 3, "classes", 0.5, (0.326, 0.348, 0.326)),
    PositionTask("pawn_structure", 8, "binary", 0.4, _STRUCTURE),
    PositionTask("king_safety", 3, "classes", 0.4, (0.715, 0.241, 0.044)),
)


def position_task(name: object) -> PositionTask:
    """Return the task of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    return entry_named("position task", name, POSITION_TASKS)
