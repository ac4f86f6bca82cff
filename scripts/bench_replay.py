"""Measure what the engine does with recorded games and batches, beside the yardstick.

As in `bench_engine.py`: CPU time of one thread, the fastest of several rounds; a ratio is the median
over the rounds of two figures of the same round.
"""

import statistics
import time
from collections.abc import Callable

import chess_engine as engine
import numpy as np
from bench_engine import GAMES, build, cpu_of_yardstick

ROUNDS = 8
DENSE = 64
"""Games of the dense masks: a ply takes 1,980 bytes."""
BATCH, PLIES = 4096, 100


def calls(games: engine.Games) -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured, and how many plies it goes through."""
    tokens, lengths = games.tokens, games.lengths
    few, some = tokens[:DENSE], lengths[:DENSE]
    plies, few_plies = int(lengths.sum()), int(some.sum())
    return {
        "validate_games": (lambda: engine.validate_games(tokens, threads=1), plies),
        "count_legal_moves": (lambda: engine.count_legal_moves(tokens, threads=1), plies),
        "compute_legal_moves": (lambda: engine.compute_legal_moves(tokens, threads=1), plies),
        "compute_legal_token_masks_sparse": (
            lambda: engine.compute_legal_token_masks_sparse(tokens, threads=1),
            plies,
        ),
        "compute_legal_token_masks": (
            lambda: engine.compute_legal_token_masks(few, threads=1),
            few_plies,
        ),
        "extract_board_states": (lambda: engine.extract_board_states(tokens, threads=1), plies),
    }


def cpu_of(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before


def replay_table() -> None:
    program = build()
    games = engine.generate_random_games(GAMES, seed=1)
    measured = calls(games)
    rounds = [
        {"yardstick": cpu_of_yardstick(program)}
        | {name: cpu_of(call) for name, (call, _) in measured.items()}
        for _ in range(ROUNDS)
    ]
    plies = {"yardstick": int(games.lengths.sum())} | {n: p for n, (_, p) in measured.items()}
    print("| one thread, 512 plies | M plies/s | ratio to the yardstick |")
    print("|---|---|---|")
    for name, n in plies.items():
        speeds = [n / r[name] for r in rounds]
        base = [plies["yardstick"] / r["yardstick"] for r in rounds]
        ratio = statistics.median(s / b for s, b in zip(speeds, base, strict=True))
        print(f"| {name} | {max(speeds) / 1e6:.1f} | {ratio:.2f} |")


def main() -> None:
    replay_table()


if __name__ == "__main__":
    main()
