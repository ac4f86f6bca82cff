"""The command line: every tool as a verb."""

from pawn_core.system import check_system


def main() -> None:
    """Run `pawn-lab`; elsewhere than on Linux it says so, before it imports what others lack."""
    check_system("pawn-lab")
    from pawn_lab.cli.app import main as run

    run()


__all__ = ["main"]
