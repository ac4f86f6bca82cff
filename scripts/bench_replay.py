"""Measure what the engine does with recorded games and batches, beside the yardstick.

As in `bench_engine.py`: CPU time of one thread, the fastest of several rounds; a ratio is the
median over the rounds of two figures of the same round.
"""

import os
import statistics
import time
from collections.abc import Callable

import chess_engine as engine
import numpy as np
from bench_engine import GAMES, build, cpu_of_yardstick

ROUNDS = 8
DENSE = 64
"""Games of the dense masks, which take a megabyte each."""
BATCH, PLIES = 4096, 200


def calls(games: engine.Games) -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured, and how many plies it goes through."""
    tokens, few = games.tokens, games.tokens[:DENSE]
    plies, few_plies = int(games.lengths.sum()), int(games.lengths[:DENSE].sum())
    one = {"threads": 1}
    return {
        "validate_games": (lambda: engine.validate_games(tokens, **one), plies),
        "count_legal_moves": (lambda: engine.count_legal_moves(tokens, **one), plies),
        "extract_board_states": (lambda: engine.extract_board_states(tokens, **one), plies),
        "edge-case flags": (lambda: engine.compute_edge_case_flags(tokens, **one), plies),
        "compute_legal_moves": (lambda: engine.compute_legal_moves(tokens, **one), plies),
        "masks, sparse": (lambda: engine.compute_legal_token_masks_sparse(tokens, **one), plies),
        "masks, dense": (lambda: engine.compute_legal_token_masks(few, **one), few_plies),
    }


def cpu_of(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before


def replay_table() -> None:
    program = build("play")
    games = engine.generate_random_games(GAMES, seed=1)
    measured = calls(games)
    rounds = [
        {"yardstick": cpu_of_yardstick(program)}
        | {name: cpu_of(call) for name, (call, _) in measured.items()}
        for _ in range(ROUNDS)
    ]
    plies = {"yardstick": int(games.lengths.sum())} | {k: n for k, (_, n) in measured.items()}
    print("| one thread, 512 plies | M plies/s | ratio to the yardstick |")
    print("|---|---|---|")
    for name, n in plies.items():
        speeds = [n / r[name] for r in rounds]
        base = [plies["yardstick"] / r["yardstick"] for r in rounds]
        ratio = statistics.median(s / b for s, b in zip(speeds, base, strict=True))
        print(f"| {name} | {max(speeds) / 1e6:.1f} | {ratio:.2f} |")


def batch_milliseconds(moves: np.ndarray, threads: int) -> np.ndarray:
    """The wall time of each ply of a batch and its masks."""
    batch = engine.BatchGames(BATCH, threads=threads)
    masks = batch.legal_masks()
    times = []
    for row in moves:
        before = time.perf_counter()
        batch.apply(row)
        batch.legal_masks(masks)
        times.append(time.perf_counter() - before)
    return np.array(times) * 1e3


def batch_table() -> None:
    games = engine.generate_random_games(BATCH, seed=2)
    moves = np.ascontiguousarray(games.tokens[:, :PLIES].T)
    print(f"\n| {BATCH} games one ply forward, with legal masks | fastest | median |")
    print("|---|---|---|")
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        times = batch_milliseconds(moves, threads)
        row = f"{times.min():.2f} ms | {np.median(times):.2f} ms"
        print(f"| `BatchGames`, threads {threads} | {row} |")


def main() -> None:
    replay_table()
    batch_table()


if __name__ == "__main__":
    main()
