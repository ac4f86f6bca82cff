"""Train small, base and large on shared batches: the plan `runs/plans/three-variants.json`.

Options override the plan, as in `pawn-train`; a `--config` of your own replaces it.
"""

import sys
from pathlib import Path

from pawn_core.cli import main

PLAN = Path(__file__).parents[1] / "runs" / "plans" / "three-variants.json"

if __name__ == "__main__":
    sys.exit(main(["--config", str(PLAN), *sys.argv[1:]]))
