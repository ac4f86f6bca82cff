"""The same as `pawn-train --run-type grpo`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["--run-type", "grpo", *sys.argv[1:]]))
