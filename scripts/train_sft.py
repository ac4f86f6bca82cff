"""The same as `pawn-train --run-type sft`."""

import sys

from pawn_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["--run-type", "sft", *sys.argv[1:]]))
