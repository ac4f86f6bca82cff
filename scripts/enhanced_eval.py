"""Let two models play each other: pairs of games, each opening with both colours.

    python scripts/enhanced_eval.py --model-a checkpoints/pretrained_100k.pt \\
        --model-b checkpoints/enhanced_best.pt

X.pt stands for the folder X of a run, as for scripts/pretrain_external.py. It is an evaluation
`play` (a run of type `eval`): it can be stopped, and `pawn-train --resume` goes on. Models are
folders, checkpoints, repositories or `trial:N`, of positions or of moves. Models here search
nothing: a move is one look at the board. Other options of the evaluation may follow;
`pawn-train --run-type eval --help` lists them.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pawn_core.cli import main as run
from pawn_core.run_paths import RunPaths

_SHOWN = ("score", "elo", "forfeited")
_GREEDY = 0.0


def main(arguments: Sequence[str]) -> int:
    """Play as the command line says, print who won and return the exit code."""
    flags = parser()
    options, further = flags.parse_known_args(arguments)
    if options.games < 2 or options.games % 2:
        flags.error(
            f"--games {options.games} is not allowed: each opening is played with both colours; "
            "allowed: 2, 4, 6 .."
        )
    run_dir = options.run_dir or Path("logs") / f"match_{time.strftime('%Y%m%d_%H%M%S')}"
    code = run([*settings(options), *further, "--run-dir", str(run_dir)])
    results = RunPaths(run_dir).results
    if code or not results.is_file():
        return code
    (report,) = json.loads(results.read_text(encoding="utf-8"))["evaluations"]
    print("\n".join(lines(report, options)))
    print(f"games: {RunPaths(run_dir).evaluation('play') / report['facts']['file']}")
    print(f"all figures: {results}")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.add_argument("--model-a", required=True, help="whose score is told")
    flags.add_argument("--model-b", required=True, help="its opponent")
    flags.add_argument("--games", type=int, default=64, help="an even number; default 64")
    flags.add_argument("--opening-plies", type=int, help="random legal plies first; default 8")
    flags.add_argument("--max-plies", type=int, help="after which a game is a draw")
    flags.add_argument(
        "--temperature",
        type=float,
        default=_GREEDY,
        help="divides logits; default 0: the likeliest",
    )
    flags.add_argument("--seed", type=int, help="of what is drawn")
    flags.add_argument("--openings-seed", type=int, help="of the openings")
    flags.add_argument("--device", help="auto, cpu, cuda or cuda:N")
    flags.add_argument("--run-dir", type=Path, help="default: logs/match_<time>")
    return flags


def settings(options: argparse.Namespace) -> Iterator[str]:
    """Yield the run's arguments; what was not given keeps the default of the config."""
    yield from ("--run-type", "eval", "--evals", "play")
    fields = {
        "weights": _run_of(options.model_a),
        "play_opponent": _run_of(options.model_b),
        "play_pairs": options.games // 2,
        "play_opening_plies": options.opening_plies,
        "max_ply": options.max_plies,
        "play_temperature": options.temperature,
        "seed": options.seed,
        "games_seed": options.openings_seed,
        "device": options.device,
    }
    for name, value in fields.items():
        if value is not None:
            yield from (f"--{name.replace('_', '-')}", str(value))


def _run_of(name: str) -> str:
    """Return what a file of Matrix0 stands for: of X.pt, which is not there, the run's folder X."""
    return name if Path(name).exists() else name.removesuffix(".pt")


def lines(report: dict[str, Any], options: argparse.Namespace) -> Iterator[str]:
    """Yield the figures with their intervals, and the results with each colour."""
    facts = report["facts"]
    yield f"{options.model_a} against {options.model_b}: {facts['games']} games"
    yield f"  of {facts['pairs']} openings; {facts['distinct_games']} of the games are different"
    for figure in report["figures"]:
        if figure["name"] in _SHOWN:
            value, low, high = (_number(figure[end]) for end in ("value", "low", "high"))
            yield f"{figure['name']:<11}{value:>9}   95 % interval {low} to {high}"
    (results,) = (table for table in report["tables"] if table["name"] == "results")
    for colour, won, drawn, lost, *_ in results["rows"]:
        yield f"as {colour:<8}{won} won, {drawn} drawn, {lost} lost"


def _number(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
