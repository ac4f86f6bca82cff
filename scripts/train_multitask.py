"""The same as `pawn-train --run-type multitask`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["--run-type", "multitask", *sys.argv[1:]]))
