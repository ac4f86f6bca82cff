"""Measure how often a model expects the moves of real games, in the manner of MAIA.

Opening moves are left out (`--min-eval-ply`), and so are games that it was trained on.
The measurement is a run of type `eval`: it can be stopped, and `pawn-train --resume` goes on.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pawn_core.checkpoint import CheckpointError
from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.cli import main as run
from pawn_core.run_paths import RunPaths
from pawn_core.weights.source import find
from pawn_core.weights.trials import place_of

FIELDS = (
    *("pgn", "elo_min", "elo_max", "time_control", "date_min", "date_max"),
    *("elo_band", "min_eval_ply", "max_games", "device"),
)
SHOWN = ("top1", "top5", "loss", "legal_top1", "legal_top5", "legal_loss", "legal_rate")
KEYS = {"phases": "phase", "elo_bands": "elo_min", "by_ply": "ply"}


def main() -> int:
    """Measure as the command line says, print the tables and return the exit code."""
    options = parser().parse_args()
    if options.adapter_checkpoint and (refusal := another_backbone(options)):
        print(f"eval_accuracy: {refusal}", file=sys.stderr)
        return 2
    run_dir = options.run_dir or Path("logs") / f"accuracy_{time.strftime('%Y%m%d_%H%M%S')}"
    code = run([*arguments(options), "--run-dir", str(run_dir)])
    results = RunPaths(run_dir).results
    if code or not results.is_file():
        return code
    (report,) = json.loads(results.read_text(encoding="utf-8"))["evaluations"]
    print("\n".join(lines(report, per_ply=options.per_ply)))
    print(f"all figures: {results}")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--checkpoint", required=True, help="folder, file or hub repository")
    flags.add_argument("--adapter-checkpoint", help="an adapter trained on that checkpoint")
    flags.add_argument(
        "--pgn",
        required=True,
        help="a PGN file, plain or compressed, a parquet shard, a folder, or a hub data set",
    )
    flags.add_argument("--elo-min", type=int, help="least Elo of both players")
    flags.add_argument("--elo-max", type=int, help="Elo that both are below")
    flags.add_argument("--time-control", help="speeds, as blitz,rapid, or one clock, as 300+3")
    flags.add_argument("--date-min", help="first day, YYYY-MM-DD")
    flags.add_argument("--date-max", help="day that the games are before")
    flags.add_argument("--elo-band", type=int, help="width of the bands in the table")
    flags.add_argument("--min-eval-ply", type=int, help="first ply that counts; default 10")
    flags.add_argument("--max-games", type=int, help="default 50,000")
    flags.add_argument("--per-ply", action="store_true", help="print a row a ply too")
    flags.add_argument("--device", help="auto, cpu, cuda or cuda:N")
    flags.add_argument("--run-dir", type=Path, help="default: logs/accuracy_<time>")
    return flags


def another_backbone(options: argparse.Namespace) -> str | None:
    """Say that an adapter was not trained on the checkpoint, or cannot be read; None where it was.

    An adapter finds its backbone by itself: the checkpoint beside it says which is meant.
    """
    try:
        adapter = find(place_of(options.adapter_checkpoint, Path()))
        sha256 = file_sha256(find(place_of(options.checkpoint, Path())).model)
    except (CheckpointError, OSError, ValueError) as error:
        return str(error)
    if adapter.backbone is None:
        return f"--adapter-checkpoint {options.adapter_checkpoint} is no adapter, but a model"
    if adapter.backbone.get("sha256") != sha256:
        return (
            f"--adapter-checkpoint {options.adapter_checkpoint} was trained on "
            f"{adapter.backbone.get('source')}, not on --checkpoint {options.checkpoint}"
        )
    return None


def arguments(options: argparse.Namespace) -> Iterator[str]:
    """Yield the run's arguments; what was not given keeps the default of the config."""
    weights = options.adapter_checkpoint or options.checkpoint
    yield from ("--run-type", "eval", "--evals", "accuracy", "--weights", weights)
    for name in FIELDS:
        value = getattr(options, name)
        if value is not None:
            yield from (f"--{name.replace('_', '-')}", str(value))


def lines(report: dict[str, Any], *, per_ply: bool) -> Iterator[str]:
    """Yield the figures with their intervals, then the tables without."""
    facts = report["facts"]
    dropped = ", ".join(f"{n} {reason}" for reason, n in facts["dropped"].items()) or "none"
    yield f"{facts['games']} games, {facts['positions']} moves; dropped: {dropped}"
    for figure in report["figures"]:
        ends = f"{figure['low']:.4f} - {figure['high']:.4f}"
        yield f"{figure['name']:<11}{figure['value']:>8.4f}   95 % interval {ends}"
    for table in report["tables"]:
        if table["name"] != "by_ply" or per_ply:
            yield from ("", *table_lines(table))


def table_lines(table: dict[str, Any]) -> Iterator[str]:
    """Yield a table's header and rows."""
    key = KEYS[table["name"]]
    yield f"{key:<10}{'moves':>9}" + "".join(f"{name:>12}" for name in SHOWN)
    for row in table["rows"]:
        cells = dict(zip(table["columns"], row, strict=True))
        numbers = ("-" if cells[n] is None else f"{cells[n]:.4f}" for n in SHOWN)
        yield f"{cells[key]:<10}{cells['moves']:>9}" + "".join(f"{text:>12}" for text in numbers)


if __name__ == "__main__":
    sys.exit(main())
