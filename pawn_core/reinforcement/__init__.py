"""What reinforcement learning computes: advantages, losses and divergences as pure functions."""

from pawn_core.reinforcement.advantages import (
    ADVANTAGES,
    Advantages,
    group_advantages,
    reward_metrics,
)
from pawn_core.reinforcement.algorithms import (
    ALGORITHMS,
    Algorithm,
    Clip,
    algorithm_named,
    completion_weights,
)
from pawn_core.reinforcement.beta import BetaController
from pawn_core.reinforcement.divergence import KL_LOSSES, kl_penalties
from pawn_core.reinforcement.objective import Chunk, Objective

__all__ = [
    "ADVANTAGES",
    "ALGORITHMS",
    "KL_LOSSES",
    "Advantages",
    "Algorithm",
    "BetaController",
    "Chunk",
    "Clip",
    "Objective",
    "algorithm_named",
    "completion_weights",
    "group_advantages",
    "kl_penalties",
    "reward_metrics",
]
