"""`python -m pawn_core` is `pawn-train`."""

import sys

from pawn_core.system import check_system


def main() -> int:
    """Run `pawn-train`; elsewhere than on Linux it says so, before it imports what others lack."""
    check_system("pawn-train")
    from pawn_core.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
