"""The demo: an ablation study on the CPU, from the first call to the report."""

from pawn_lab.demo.study import run

__all__ = ["run"]
