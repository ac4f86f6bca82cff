"""The process that watches a lab on which nobody looks: `pawn-lab watch`."""

from pawn_lab.watchdog.watch import Watch

__all__ = ["Watch"]
