"""Files far larger than a reader's memory."""

import os
import subprocess
import sys
from pathlib import Path

import chess_engine as engine
import pytest

READ = """
import resource, sys
import chess_engine
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reader = chess_engine.PgnReader(sys.argv[1], batch_size=1024, max_ply=160, threads=1)
for _ in range(20):
    next(reader)
early = peak()
for batch in reader:
    pass
print(reader.report["kept"], reader.report["read"], (peak() - early) // 1024)
"""


def write(path: Path, n_bytes: int) -> int:
    """Write games until the file has this many bytes; return how many."""
    games = engine.generate_random_games(5000, seed=95, max_ply=160)
    text = engine.tokens_to_pgn(games.tokens).encode()
    repeats = -(-n_bytes // len(text))
    with path.open("wb") as file:
        for _ in range(repeats):
            file.write(text)
    return 5000 * repeats


@pytest.mark.slow
def test_a_gigabyte_streams_in_constant_memory(tmp_path: Path):
    path = tmp_path / "games.pgn"
    n_games = write(path, 1 << 30)
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=280)
    path.unlink()
    kept, read, grown_mb = map(int, done.stdout.split())
    assert kept == read == n_games
    assert grown_mb < 16, done.stdout


READ_FLAT = """
import resource, sys
import chess_engine
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reader = chess_engine.GameReader(sys.argv[1], threads=1, require_outcome=False, **eval(sys.argv[2]))
n_games, early = 0, None
for batch in reader:
    n_games += len(batch.numbers)
    if early is None and batch.report["read"] > 100_000:
        early = peak()
print(n_games, reader.report["read"], batch.place["byte"], (peak() - early) // 1024)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("filters", [{}, {"elo_min": 1}])
def test_five_gigabytes_are_read_flat_in_constant_memory(tmp_path: Path, filters: dict):
    path = tmp_path / "games.pgn"
    os.mkfifo(path)
    games = engine.generate_random_games(5000, seed=96, max_ply=60)
    comment = "{ " + "[%eval 0.3] " * 160 + "}"
    text = engine.tokens_to_pgn(games.tokens).replace("\n\n1. ", f"\n\n{comment} 1. ").encode()
    repeats = -(-(5 << 30) // len(text))
    command = [sys.executable, "-c", READ_FLAT, str(path), str(filters)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        with path.open("wb") as file:
            for _ in range(repeats):
                file.write(text)
        out, _ = process.communicate()
    n_games, n_read, byte, grown_mb = map(int, out.split())
    assert n_read == 5000 * repeats
    assert n_games == (0 if filters else n_read)
    assert 0 <= len(text) * repeats - byte < 8
    assert grown_mb < 16, out
