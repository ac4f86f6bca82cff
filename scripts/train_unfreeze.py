"""The same as `pawn-train --run-type adapter --strategy unfreeze`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["--run-type", "adapter", "--strategy", "unfreeze", *sys.argv[1:]]))
