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
    of_hidden: bool = False
    """Whether only squares that are hidden from the input count: the others would be copied."""


POSITION_TASKS: tuple[PositionTask, ...] = (
    PositionTask("piece", 13, "classes", 1.0, of_hidden=True),
    PositionTask("threat", 1, "binary", 0.8),
    PositionTask("pin", 1, "binary", 0.7),
    PositionTask("fork", 1, "binary", 0.6),
    PositionTask("control", 3, "classes", 0.5),
    PositionTask("pawn_structure", 8, "binary", 0.4),
    PositionTask("king_safety", 3, "classes", 0.4),
)


def position_task(name: object) -> PositionTask:
    """Return the task of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    return entry_named("position task", name, POSITION_TASKS)
