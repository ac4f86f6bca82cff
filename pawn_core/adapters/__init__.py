"""Adapters: trainable parameters in a frozen model, one strategy a file."""

from pawn_core.adapters.adapter import Adapter
from pawn_core.adapters.registry import build_adapter

__all__ = ["Adapter", "build_adapter"]
