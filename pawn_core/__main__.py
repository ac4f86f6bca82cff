"""`python -m pawn_core` is `pawn-train`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
