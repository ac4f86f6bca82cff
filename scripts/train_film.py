"""The same as `pawn-train --run-type adapter --strategy film`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["--run-type", "adapter", "--strategy", "film", *sys.argv[1:]]))
