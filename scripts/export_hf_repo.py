"""Write a run's best checkpoint as a Hugging Face repository, ready to upload."""

import argparse
import sys
from pathlib import Path

from pawn_core.checkpoint import CheckpointError
from pawn_core.weights.export import export_run


def main() -> int:
    """Export as the command line says and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", type=Path, required=True, help="a run or trial folder")
    parser.add_argument("--output-dir", type=Path, help="default: export/<repository name>")
    parser.add_argument("--repo-name", help="name in the model card; default: the run's folder")
    parser.add_argument("--license", default="apache-2.0", help="of the weights")
    options = parser.parse_args()
    name = options.repo_name or options.run_dir.resolve().name
    output = options.output_dir or Path("export") / name
    try:
        best = export_run(options.run_dir, output, name, options.license)
    except (CheckpointError, OSError) as error:
        print(f"export_hf_repo: {error}", file=sys.stderr)
        return 1
    loss = f", val_loss {best.metrics['val_loss']:.4f}" if best.metrics else ""
    print(f"step {best.step}{loss} -> {output}")
    print(f"upload: hf upload OWNER/{name} {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
