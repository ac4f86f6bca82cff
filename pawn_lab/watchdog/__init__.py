"""The process that watches a lab on which nobody looks: `pawn-lab watch`."""

from pawn_lab.watchdog.watch import Watchdog

__all__ = ["Watchdog"]
