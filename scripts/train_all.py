"""Train small, base and large on shared batches: the plan `runs/plans/three-variants.json`.

Options override the plan, as in `pawn-train`; a `--config` of your own replaces it. Afterwards
`--run-evals` evaluates the best checkpoint of each model, and `--publish-results` puts what was
found into their repositories.
"""

import argparse
import sys
from pathlib import Path

import run_evals

from pawn_core.cli import main, new_run_dir

PLAN = Path(__file__).parents[1] / "runs" / "plans" / "three-variants.json"
EVALS = "probes,diagnostics"


def parser() -> argparse.ArgumentParser:
    """Return the flags beside those of `pawn-train`."""
    flags = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    flags.add_argument("--run-dir", type=Path)
    flags.add_argument("--device")
    flags.add_argument("--run-evals", nargs="?", const=EVALS, metavar="NAMES")
    flags.add_argument("--publish-results", metavar="OWNER/NAME-{variant}")
    return flags


def train_all(arguments: list[str]) -> int:
    """Train, then evaluate where that is asked for; return the exit code."""
    options, rest = parser().parse_known_args(arguments)
    if options.publish_results and not options.run_evals:
        print("train_all: --publish-results needs --run-evals", file=sys.stderr)
        return 2
    run_dir = str(options.run_dir or new_run_dir())
    device = ["--device", options.device] if options.device else []
    code = main(["--config", str(PLAN), "--run-dir", run_dir, *device, *rest])
    if code or not options.run_evals:
        return code
    places = ["--publish-results", options.publish_results] if options.publish_results else []
    evals = ["--evals", options.run_evals]
    return run_evals.main(["--log-dir", run_dir, *evals, *device, *places])


if __name__ == "__main__":
    sys.exit(train_all(sys.argv[1:]))
