"""A trainer's process: `python -m gpu_bench.trainer CONFIG RUN_DIR`.

It is `pawn-train` without its command line, which needs a package that rented machines lack.
"""

import logging
import sys
from pathlib import Path

from pawn_core.config import parse_config
from pawn_core.config.files import read_json
from pawn_core.signals import StopFlag
from pawn_core.threads import settle_threads


def main() -> int:
    """Train and return the exit code."""
    stop = StopFlag().install()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    config, run_dir = parse_config(read_json(Path(sys.argv[1]))), Path(sys.argv[2])
    settle_threads(None)
    from pawn_core.training.trainer import run_training

    return run_training(config, run_dir, None, stop).exit_code


if __name__ == "__main__":
    sys.exit(main())
