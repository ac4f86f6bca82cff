"""Train a chess world model; the same as `pawn-train`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
