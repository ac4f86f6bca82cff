"""The same as `pawn-train --run-type adapter --strategy hybrid`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["--run-type", "adapter", "--strategy", "hybrid", *sys.argv[1:]]))
