"""Compute what top-1 accuracy random games allow, with and without knowing the outcome.

Accuracy in percent with 95 % intervals over games. `RAYON_NUM_THREADS` sets the number of threads.
With `--output`, the games done are kept beside it: the same command goes on where it was stopped.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chess_engine import AccuracyCeiling, Ceilings, Estimate

from pawn_core.evaluation.positions.ceiling_sums import CeilingRules, compute_in_parts

KINDS = ("unconditional", "naive_conditioned", "mc_lower", "mc_upper")
KEPT = ".sums.safetensors"


def main() -> int:
    """Compute as the command line says, print a table and return the exit code."""
    options = parser().parse_args()
    try:
        bounds = computed(options)
    except (ValueError, OSError) as error:
        print(f"\ncompute_theoretical_ceiling: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{what_is_kept(options)}", file=sys.stderr)
        return 130
    print("\n".join(table(bounds, options.model_accuracy)))
    if options.output:
        text = json.dumps(record(bounds, options), indent=2)
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--n-games", type=int, default=1000)
    flags.add_argument("--rollouts", type=int, default=128, help="behind each legal move; even")
    flags.add_argument("--sample-rate", type=float, default=0.02, help="share of the positions")
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument("--vocabulary", default="searchless")
    flags.add_argument("--max-ply", type=int, help="default: 512, coordinate 256")
    flags.add_argument("--resamples", type=int, default=1000, help="of the bootstrap")
    flags.add_argument(
        "--parts", type=int, default=10, help="after each, what it comes to so far is printed"
    )
    flags.add_argument(
        "--model-accuracy",
        type=float,
        help="top-1 to compare, as a fraction, on the same positions",
    )
    flags.add_argument("--output", type=Path, help="write the result as JSON")
    return flags


def computed(options: argparse.Namespace) -> AccuracyCeiling:
    """Compute part by part; say after each what it comes to so far."""
    names = ("seed", "max_ply", "vocabulary", "sample_rate", "rollouts")
    rules = CeilingRules(**{name: getattr(options, name) for name in names})
    if options.n_games < 1 or options.parts < 1:
        raise ValueError(
            f"--n-games {options.n_games} in {options.parts} --parts; allowed: 1 or more of each"
        )
    part = -(-options.n_games // options.parts)
    progress = report_progress(time.monotonic(), options.n_games)
    bounds = None
    for sums in compute_in_parts(rules, options.n_games, part, kept(options), progress):
        bounds = rules.combined(sums, options.resamples)
        if len(sums) < options.n_games:
            print(f"\r{so_far(bounds)}", file=sys.stderr)
    print(file=sys.stderr)
    assert bounds is not None
    return bounds


def kept(options: argparse.Namespace) -> Path | None:
    """Return the file that keeps the games done."""
    return options.output and options.output.with_name(options.output.name + KEPT)


def what_is_kept(options: argparse.Namespace) -> str:
    """Return what happens to the games done when the computation is broken off."""
    path = kept(options)
    if path is None:
        return "nothing is kept without --output"
    return f"the parts done are kept in {path}; the same command goes on from there"


def report_progress(start: float, n_games: int) -> Callable[[int], None]:
    """Return a callback that keeps one line on stderr: games done and the time left."""
    begun: list[int] = []

    def show(done: int) -> None:
        begun.append(done)
        left = (time.monotonic() - start) / max(done - begun[0], 1) * (n_games - done)
        print(f"\r{done}/{n_games} games, {left:.0f} s left ", end="", file=sys.stderr, flush=True)

    return show


def so_far(bounds: AccuracyCeiling) -> str:
    """Return a line with the ceilings of the games done."""
    estimates = [(kind, e) for positions, kind, e in rows(bounds) if positions == "moves"]
    values = ", ".join(f"{kind} {100 * e.value:.2f} %" for kind, e in estimates)
    return f"{bounds.n_games} games: {values}"


def rows(bounds: AccuracyCeiling) -> Iterator[tuple[str, str, Estimate]]:
    """Yield positions, kind and estimate of every ceiling there is."""
    sets: dict[str, Ceilings] = {"moves": bounds.moves, "prefixed": bounds.prefixed}
    for positions, ceilings in sets.items():
        for kind in KINDS:
            estimate = getattr(ceilings, kind)
            if estimate is not None:
                yield positions, kind, estimate
    yield "pure", "unconditional", bounds.pure_unconditional


def table(bounds: AccuracyCeiling, model_accuracy: float | None) -> Iterator[str]:
    """Yield the lines of the table, with the model's share of each ceiling where it is known."""
    share = "" if model_accuracy is None else f"{'model':>9}"
    yield f"{'positions':<10}{'ceiling':<19}{'%':>7}   95 % interval{share}"
    for positions, kind, e in rows(bounds):
        share = "" if model_accuracy is None else f"{model_accuracy / e.value:>9.1%}"
        interval = f"{100 * e.low:.2f} - {100 * e.high:.2f}"
        yield f"{positions:<10}{kind:<19}{100 * e.value:>7.2f}   {interval:<13}{share}"
    yield (
        f"{bounds.n_games} games, {bounds.moves.n_positions} moves, {bounds.n_sampled} sampled, "
        f"{bounds.n_unresolved} of them without a rollout that ended as the game did"
    )


def record(bounds: AccuracyCeiling, options: argparse.Namespace) -> dict[str, Any]:
    """Return the result with the arguments that make it again."""
    arguments = {k: v for k, v in vars(options).items() if k not in ("output", "max_ply", "parts")}
    counts = {
        "max_ply": bounds.max_ply,
        "n_moves": bounds.moves.n_positions,
        "n_sampled": bounds.n_sampled,
        "n_unresolved": bounds.n_unresolved,
    }
    ceilings: dict[str, dict[str, Any]] = {}
    for positions, kind, e in rows(bounds):
        value = {"value": e.value, "low": e.low, "high": e.high}
        if options.model_accuracy is not None:
            value["model_share"] = options.model_accuracy / e.value
        ceilings.setdefault(positions, {})[kind] = value
    return {**arguments, **counts, "ceilings": ceilings}


if __name__ == "__main__":
    sys.exit(main())
