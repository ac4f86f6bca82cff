"""Measure the engine's speed against the yardstick, all in one run, and print a Markdown table.

The yardstick is a careful shakmaty loop (`engine/bench/src/lib.rs`). Single-thread figures are CPU
time of the fastest of several rounds. A ratio is the median over the rounds of both figures of one
round, measured within two seconds of each other, since the speed of a shared machine drifts.
Instructions per ply come from callgrind, where valgrind is installed.
"""

import json
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import chess_engine

ROOT = Path(__file__).parent.parent
GAMES, ROUNDS = 2000, 12
QUESTIONS = 4000
BUILD = ["cargo", "build", "--locked", "--release", "--package", "pawn-bench"]
VARIANTS: dict[str, dict] = {
    "tokens only": {},
    "with every legal set": {"legal_moves": True},
    "mate_boost 1.0": {"mate_boost": 1.0},
    "discard_ply_limit": {"discard_ply_limit": True},
    "coordinate vocabulary": {"vocabulary": "coordinate"},
}
ENCODINGS: dict[str, dict] = {
    "the 19 planes alone": {"targets": False, "legal": False},
    "with the legal moves": {"targets": False},
    "with the legal moves and all seven targets": {},
}


def build(program: str) -> Path:
    """Build a program of `engine/bench`, which runs without Python."""
    command = [*BUILD, "--bin", program, "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    messages = (json.loads(line) for line in output.splitlines())
    return next(Path(m["executable"]) for m in messages if m.get("executable"))


def cpu_of_yardstick(program: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([program, "yardstick", str(GAMES)], check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def cpu_of(arguments: dict) -> float:
    before = time.process_time()
    chess_engine.generate_random_games(GAMES, seed=1, threads=1, **arguments)
    return time.process_time() - before


def wall_of(n_games: int, threads: int) -> float:
    before = time.perf_counter()
    chess_engine.generate_random_games(n_games, seed=1, threads=threads)
    return time.perf_counter() - before


def best(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(ROUNDS))


def ratio(above: Callable[[], float], below: Callable[[], float]) -> float:
    return statistics.median(above() / below() for _ in range(ROUNDS))


def instructions_per_ply(program: Path, kind: str) -> float:
    """The marginal cost of a ply between two sizes."""
    (small_cost, small), (large_cost, large) = (callgrind(program, kind, n) for n in (100, 300))
    return (large_cost - small_cost) / (large - small)


def callgrind(program: Path, kind: str, n_games: int) -> tuple[int, int]:
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}"]
    run = subprocess.run(
        [*command, program, kind, str(n_games)], check=True, capture_output=True, text=True
    )
    collected = re.search(r"Collected : (\d+)", run.stderr)
    assert collected, run.stderr
    return int(collected[1]), int(run.stdout)


def single_thread_table(program: Path) -> None:
    """Rounds go over all variants in turn, so that a busy minute is shared by all of them."""
    measures = {"yardstick": lambda: cpu_of_yardstick(program)} | {
        name: lambda arguments=arguments: cpu_of(arguments) for name, arguments in VARIANTS.items()
    }
    rounds = [{name: measure() for name, measure in measures.items()} for _ in range(ROUNDS)]
    seconds = {name: min(r[name] for r in rounds) for name in measures}
    print("| one thread, 512 plies | games/s | M plies/s | ratio to the yardstick |")
    print("|---|---|---|---|")
    for name, best_seconds in seconds.items():
        arguments = VARIANTS.get(name, {})
        plies = chess_engine.generate_random_games(GAMES, seed=1, **arguments).lengths.sum()
        speeds = f"{GAMES / best_seconds:,.0f} | {plies / best_seconds / 1e6:.1f}"
        print(f"| {name} | {speeds} | {median_ratio(rounds, name):.2f} |")


def median_ratio(rounds: list[dict[str, float]], name: str) -> float:
    return statistics.median(r["yardstick"] / r[name] for r in rounds)


def threads_table() -> None:
    cpus = len(os.sched_getaffinity(0))
    speedup = ratio(lambda: wall_of(GAMES, 1), lambda: wall_of(GAMES, cpus))
    print(f"\n{cpus} threads: {speedup:.2f} times one (wall time).")
    print(
        f"A batch of 256 games on {cpus} threads: {best(lambda: wall_of(256, cpus)) * 1e3:.1f} ms."
    )


def instructions_table(program: Path) -> None:
    print("\n| callgrind | instructions/ply |")
    print("|---|---|")
    for kind in ("yardstick", "tokens", "legal", "boost"):
        print(f"| {kind} | {instructions_per_ply(program, kind):,.0f} |")


def completions_table() -> None:
    """Completions of the task `A:` a second: the right ones with up to three letters changed."""
    numbers = range(QUESTIONS)
    fens = chess_engine.sample_positions(numbers, seed=1).fens
    ucis = chess_engine.sample_moves(fens, numbers, seed=1, illegal_ratio=0.2).ucis
    right = chess_engine.environment_rows(fens, ucis)[1]
    print("\n| one thread, completions of `A:` | completions/s |")
    print("|---|---|")
    for name, group in (("each of its own question", 1), ("in groups of eight", 8)):
        many_fens, many_ucis = [
            [q for q in all_of for _ in range(group)] for all_of in (fens, ucis)
        ]
        completions = [damaged(text, i) for text in right for i in range(group)]
        measure = partial(cpu_of_scores, many_fens, many_ucis, completions)
        print(f"| {name} | {len(completions) / best(measure):,.0f} |")


def damaged(text: str, seed: int) -> str:
    rng, letters = random.Random(f"{seed} {text}"), list(text)
    for _ in range(rng.randrange(4)):
        letters[rng.randrange(len(letters))] = rng.choice("rnbqkpRNBQKP12345678/ 01")
    return "".join(letters)


def cpu_of_scores(fens: list[str], ucis: list[str], completions: list[str]) -> float:
    before = time.process_time()
    chess_engine.score_environment(fens, ucis, completions)
    return time.process_time() - before


def positions_table() -> None:
    """Positions a second, read from FEN, with and without their targets and legal moves."""
    fens = chess_engine.sample_positions(range(QUESTIONS), seed=1).fens
    print("\n| one thread, positions as planes | positions/s |")
    print("|---|---|")
    for name, arguments in ENCODINGS.items():
        seconds = best(partial(cpu_of_planes, fens, arguments))
        print(f"| {name} | {len(fens) / seconds:,.0f} |")


def cpu_of_planes(fens: list[str], arguments: dict) -> float:
    before = time.process_time()
    chess_engine.encode_positions(fens, threads=1, **arguments)
    return time.process_time() - before


def main() -> None:
    program = build("play")
    single_thread_table(program)
    threads_table()
    completions_table()
    positions_table()
    if shutil.which("valgrind"):
        instructions_table(program)


if __name__ == "__main__":
    main()
