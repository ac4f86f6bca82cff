"""What a position model is trained and measured by: losses a position, and what they come to."""

from pawn_core.multitask.evaluate import evaluate
from pawn_core.multitask.losses import (
    Losses,
    policy_losses,
    task_losses,
    value_losses,
)
from pawn_core.multitask.tally import MultitaskTally

__all__ = [
    "Losses",
    "MultitaskTally",
    "evaluate",
    "policy_losses",
    "task_losses",
    "value_losses",
]
