"""The command line: every tool as a verb."""

from pawn_lab.cli.app import main

__all__ = ["main"]
