"""Measure what of the board linear probes read off a model's hidden states, at every layer.

Of every run in a folder of runs, or of one checkpoint. Each measurement is a run of type `eval`:
it can be stopped, and `pawn-train --resume` goes on.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pawn_core.cli import main as run
from pawn_core.run_paths import CHECKPOINTS, CONFIG, RunPaths

FLAGS = {
    "n_games": "probe_train_games",
    "n_val_games": "games",
    "n_epochs": "probe_epochs",
    "share": "probe_share",
    "hidden": "probe_hidden",
    "max_ply": "max_ply",
    "seed": "seed",
    "device": "device",
}
"""The config's fields."""
KINDS = ("linear", "hidden")
STOPPED = 1
"""Exit code of a measurement that ended before its last shard."""


def main() -> int:
    """Measure as the command line says, print a table a model and return the exit code."""
    options = parser().parse_args()
    weights = [options.checkpoint] if options.checkpoint else list(runs(options))
    if not weights:
        print(f"eval_probes: {refusal(options)}", file=sys.stderr)
        return 2
    for source in weights:
        if code := measure(source, options):
            return code
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument(
        "--log-dir",
        type=Path,
        default=Path("logs"),
        help="folder of runs, where the measurements are put too; default: logs",
    )
    flags.add_argument("--checkpoint", help="folder, file or hub repository, instead of the runs")
    flags.add_argument("--run", help="name of the only run to measure")
    flags.add_argument("--n-games", type=int, default=4096, help="to train probes on")
    flags.add_argument("--n-val-games", type=int, default=1024, help="to read with them")
    flags.add_argument("--n-epochs", type=int, default=20)
    flags.add_argument("--share", type=float, help="of positions to train on; default 0.1")
    flags.add_argument("--hidden", type=int, help="units of a hidden layer, for nonlinear probes")
    flags.add_argument("--max-ply", type=int, help="default: what the model's context holds")
    flags.add_argument("--seed", type=int, help="of all that is random but the games")
    flags.add_argument("--device", help="auto, cpu, cuda or cuda:N")
    return flags


def runs(options: argparse.Namespace) -> Iterator[str]:
    """Yield the folders of runs that trained a model, up to three levels down."""
    levels = (f"{'*/' * depth}{CHECKPOINTS}" for depth in range(4))
    folders = [path.parent for level in levels for path in options.log_dir.glob(level)]
    for folder in sorted(folders):
        named = options.run is None or options.run in folder.relative_to(options.log_dir).parts
        if named and not is_evaluation(folder) and any((folder / CHECKPOINTS).glob("step_*")):
            yield str(folder)


def is_evaluation(folder: Path) -> bool:
    """Whether a run measured a model, so that it has none of its own."""
    config = folder / CONFIG
    return config.is_file() and json.loads(config.read_bytes()).get("run_type") == "eval"


def refusal(options: argparse.Namespace) -> str:
    """Return what there is not, and what can be given instead."""
    which = f"run {options.run!r}" if options.run else "run"
    return (
        f"--log-dir {options.log_dir} holds no {which} with a saved checkpoint; allowed: a folder "
        f"of runs, each with {CHECKPOINTS}/step_*, or --checkpoint"
    )


def measure(weights: str, options: argparse.Namespace) -> int:
    """Probe one model, print its tables and return the exit code."""
    run_dir = options.log_dir / f"probes_{time.strftime('%Y%m%d_%H%M%S')}_{time.time_ns() % 10**9}"
    code = run([*arguments(weights, options), "--run-dir", str(run_dir)])
    results = RunPaths(run_dir).results
    if code or not results.is_file():
        return code or STOPPED
    (report,) = json.loads(results.read_text(encoding="utf-8"))["evaluations"]
    print("\n".join((weights, *lines(report), f"all figures: {results}", "")))
    return 0


def arguments(weights: str, options: argparse.Namespace) -> Iterator[str]:
    """Yield the run's arguments; what was not given keeps the default of the config."""
    yield from ("--run-type", "eval", "--evals", "probes", "--weights", weights)
    for flag, field in FLAGS.items():
        value = getattr(options, flag)
        if value is not None:
            yield from (f"--{field.replace('_', '-')}", str(value))


def lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield what was measured on, and a table for each kind of probes."""
    facts = report["facts"]
    yield (
        f"trained on {facts['train_positions']} positions of {facts['train_games']} games, "
        f"read on {facts['positions']} of {facts['games']}"
    )
    for table in report["tables"]:
        if table["name"] in KINDS:
            yield from ("", *table_lines(table))


def table_lines(table: dict[str, Any]) -> Iterator[str]:
    """Yield a table's header and rows."""
    yield f"{table['name']:<22}{'layer':<11}" + "".join(f"{c:>11}" for c in table["columns"][2:])
    for figure, layer, *numbers in table["rows"]:
        cells = ("-" if number is None else f"{number:.4f}" for number in numbers)
        yield f"{figure:<22}{layer:<11}" + "".join(f"{cell:>11}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
