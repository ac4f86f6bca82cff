"""Measure the PGN reader against pgn-reader's own loop, all in one run, and print a Markdown table.

The yardstick (`engine/bench/src/bin/pgn.rs`) is a visitor of pgn-reader that replays the moves with
shakmaty and stores their tokens. The file is Lichess-style PGN with clocks, made for the run.
Figures are CPU time of one thread: speeds of the fastest round, ratios the median over rounds.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bench_engine
import chess_engine
import lichess_pgn

GAMES, ROUNDS = 20_000, 9
BAND = (1800, 1900)
"""One game of 300 here, where Elos are uniform."""
YARDSTICK = "pgn-reader and shakmaty, tokens"


def cpu_of_program(program: Path, kind: str, path: Path) -> float:
    """Seconds of CPU a run of the program takes."""
    before = os.times()
    subprocess.run([program, kind, path], check=True, capture_output=True)
    after = os.times()
    user, system = "children_user", "children_system"
    return sum(getattr(after, name) - getattr(before, name) for name in (user, system))


def cpu_of_reader(path: Path, *, annotations: bool) -> float:
    """Seconds of CPU `PgnReader` takes for the file."""
    before = time.process_time()
    reader = chess_engine.PgnReader(path, annotations=annotations, threads=1)
    n_games = sum(len(batch.lengths) for batch in reader)
    assert n_games == GAMES, reader.report
    return time.process_time() - before


def cpu_of_game_reader(path: Path, band: tuple[int, int] | None = None) -> float:
    """Seconds of CPU `GameReader` takes for the file, of all games or of those in a band of Elo."""
    before = time.process_time()
    elo_min, elo_max = band or (None, None)
    reader = chess_engine.GameReader(path, elo_min=elo_min, elo_max=elo_max, threads=1)
    n_games = sum(len(batch.numbers) for batch in reader)
    assert reader.report["read"] == GAMES, reader.report
    assert n_games == GAMES or band, reader.report
    return time.process_time() - before


def measures(program: Path, path: Path, packed: Path) -> dict[str, Callable[[], float]]:
    return {
        YARDSTICK: lambda: cpu_of_program(program, "yardstick", path),
        "pgn-reader, moves skimmed": lambda: cpu_of_program(program, "skim", path),
        "`PgnReader`, tokens": lambda: cpu_of_reader(path, annotations=False),
        "`PgnReader`, all columns": lambda: cpu_of_reader(path, annotations=True),
        "`PgnReader`, tokens, zstd": lambda: cpu_of_reader(packed, annotations=False),
        "`GameReader`": lambda: cpu_of_game_reader(path),
        "`GameReader`, Elo 1800 to 1900": lambda: cpu_of_game_reader(path, BAND),
        "`GameReader`, zstd": lambda: cpu_of_game_reader(packed),
        "`GameReader`, Elo 1800 to 1900, zstd": lambda: cpu_of_game_reader(packed, BAND),
    }


def table(rounds: list[dict[str, float]]) -> None:
    print("| one thread, 74 plies a game, clocks | games/s | ratio to the yardstick |")
    print("|---|---|---|")
    for name in rounds[0]:
        best = min(r[name] for r in rounds)
        ratio = statistics.median(r[YARDSTICK] / r[name] for r in rounds)
        print(f"| {name} | {GAMES / best:,.0f} | {ratio:.2f} |")


def main() -> None:
    program = bench_engine.build("pgn")
    with tempfile.TemporaryDirectory() as folder:
        path, packed = Path(folder, "games.pgn"), Path(folder, "games.pgn.zst")
        path.write_text(lichess_pgn.games(GAMES), encoding="utf-8")
        subprocess.run([program, "compress", path, packed], check=True)
        figures = measures(program, path, packed)
        table([{name: measure() for name, measure in figures.items()} for _ in range(ROUNDS)])


if __name__ == "__main__":
    main()
