"""Linear probes: what of the board can be read off a model's hidden states."""

from pawn_core.evaluation.probes.probing import Probes
from pawn_core.evaluation.probes.registry import PROBES, Probe

__all__ = ["PROBES", "Probe", "Probes"]
