"""Write plain weights of an adapter on its backbone: a model like any other, on its own."""

import argparse
import sys
from pathlib import Path

from pawn_core.checkpoint import CheckpointError
from pawn_core.config import ConfigError
from pawn_core.weights.merging import merge_adapter


def main() -> int:
    """Merge as the command line says and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "source", help="an adapter's checkpoint, its run's folder, or a Hugging Face repository"
    )
    parser.add_argument("output", type=Path, help="folder to make, in the published form")
    options = parser.parse_args()
    try:
        subject = merge_adapter(options.source, options.output)
    except (CheckpointError, ConfigError, OSError) as error:
        print(f"merge_adapter: {error}", file=sys.stderr)
        return 1
    step = "" if subject.step is None else f" of step {subject.step}"
    print(f"{subject.path}{step} -> {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
