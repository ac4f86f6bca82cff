"""Measure the cache of real games: its build against the reader's own speed, its batches against
the steps that learn from them. Prints two Markdown tables.

Seconds are CPU time of the process, all its threads, which other jobs disturb less than wall time;
of the fastest round, ratios the median over rounds. The games are Lichess-style PGN with clocks,
made for the run. A step trains LoRA of rank 4 on an untrained backbone of the size, in float32.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import chess_engine
import lichess_pgn
import torch
from safetensors.torch import save_file

from pawn_core.config import VARIANTS, AdapterConfig
from pawn_core.real_games import CachedGames, Selection, open_games
from pawn_core.real_games.games_cache import VARIABLE
from pawn_core.run_paths import CONFIG, MODEL
from pawn_core.runtime import resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.training.adapter import AdapterTask
from pawn_core.training.setup import Setup
from pawn_core.training.update import Updater
from pawn_core.weights.load import untrained
from pawn_core.weights.spec import ModelSpec, published_form

GAMES, ROUNDS = 20_000, 5
BATCH_GAMES = 64
BATCHES, STEPS = 50, {"toy": 10, "small": 3}
FILTERS = {"max_ply": 512}


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time that some work takes."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def read(path: Path) -> None:
    """Read all games and keep none."""
    games = sum(len(batch.offsets) - 1 for batch in chess_engine.GameReader(path, **FILTERS))
    assert games == GAMES


def cached(path: Path) -> CachedGames:
    """Open all games, from their cache where there is one."""
    return open_games(Selection(str(path), **FILTERS), stop=StopFlag(), say=lambda _: None)


def bench_build(path: Path, folder: Path) -> None:
    """Print how fast games are read, cached and found again."""
    rounds: list[list[float]] = []
    for number in range(ROUNDS):
        os.environ[VARIABLE] = str(folder / f"round{number}")
        rounds.append([cpu_seconds(partial(work, path)) for work in (read, cached, cached)])
    print("| 74 plies a game, clocks | games/s of CPU time | ratio to the reader |")
    print("|---|---|---|")
    for row, name in enumerate(("`GameReader` alone", "into a cache", "from the cache, verified")):
        best = min(seconds[row] for seconds in rounds)
        ratio = statistics.median(seconds[0] / seconds[row] for seconds in rounds)
        print(f"| {name} | {GAMES / best:,.0f} | {ratio:.2f} |")


def bench_batches(path: Path, folder: Path) -> None:
    """Print what a batch of the cache costs beside the step that learns from it."""
    print("\n| 64 games, one thread | batch, ms | step, ms | share |")
    print("|---|---|---|---|")
    for variant, steps in STEPS.items():
        task, updater, lr = adapting(path, folder, variant)
        updater.update(task.make_batch(0), lr)
        batch_s = cpu_seconds(partial(make, task)) / BATCHES
        made = [task.make_batch(k) for k in range(1, steps + 1)]
        begin = time.process_time()
        for micro_batches in made:
            updater.update(micro_batches, lr)
        step_s = (time.process_time() - begin) / steps
        print(f"| {variant} | {1e3 * batch_s:.2f} | {1e3 * step_s:.0f} | {batch_s / step_s:.1%} |")


def make(task: AdapterTask) -> None:
    """Make batches as the loader's workers do."""
    for index in range(BATCHES):
        task.make_batch(index)


def adapting(path: Path, folder: Path, variant: str) -> tuple[AdapterTask, Updater, float]:
    """Return what trains LoRA on a backbone of that size."""
    config = AdapterConfig(
        strategy="lora",
        checkpoint=str(backbone(folder / variant, variant)),
        pgn=str(path),
        batch_size=BATCH_GAMES,
        amp_dtype="none",
        device="cpu",
        no_compile=True,
        local_checkpoints=True,
    )
    runtime = resolve_runtime(config)
    task = AdapterTask(config, Setup(config, folder, runtime, StopFlag()))
    return task, Updater(task, config, runtime), config.lr


def backbone(folder: Path, variant: str) -> Path:
    """Write untrained weights in the published form."""
    spec = ModelSpec(VARIANTS[variant], "searchless", 512, prepend_outcome=False)
    model = untrained(spec)
    model.initialize(torch.Generator().manual_seed(0))
    folder.mkdir()
    save_file(model.state_dict(), folder / MODEL)
    (folder / CONFIG).write_text(json.dumps(published_form("pretrain", spec, {})), "utf-8")
    return folder


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "games.pgn"
        path.write_text(lichess_pgn.games(GAMES), encoding="utf-8")
        bench_build(path, folder)
        bench_batches(path, folder)


if __name__ == "__main__":
    main()
