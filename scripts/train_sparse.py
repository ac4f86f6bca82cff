"""The same as `pawn-train --run-type adapter --strategy sparse`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["--run-type", "adapter", "--strategy", "sparse", *sys.argv[1:]]))
