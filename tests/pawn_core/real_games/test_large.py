"""Files far larger than memory should hold, and a disk that is really full."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from builder import BATCH_GAMES, COMMIT_GAMES
from written_games import write_pgn, written_games

from pawn_core.config import ConfigError
from pawn_core.real_games import build
from pawn_core.real_games.games_cache import VARIABLE
from pawn_core.real_games.reading import pgn as pgn_reader

GIGABYTE = 10**9
OPEN = """
import sys
from pathlib import Path
from pawn_core.real_games import Selection, open_games
from pawn_core.signals import StopFlag
selection = Selection(sys.argv[1], 512, elo_min=1800)
games = open_games(selection, stop=StopFlag(), say=lambda line: None)
status = Path("/proc/self/status").read_text()
print(games.counts["read"], len(games.train), status.split("VmHWM:")[1].split()[0])
"""


def write_large(path: Path, size: int) -> int:
    """Write so many bytes of PGN, compressed on the way; return how many games they are."""
    wanted, others = ({"WhiteElo": "1850"}, {"WhiteElo": "1500"})
    long_tag = "x" * 1500  # so that most of the work is reading
    texts = [*written_games(500, **wanted), *written_games(4500, first=500, **others)]
    block = "\n".join(f'[Annotator "{long_tag}"]\n{text}' for text in texts).encode() + b"\n"
    repeats = -(-size // len(block))
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        for _ in range(repeats):
            file.write(block)
    return repeats * len(texts)


def peak_bytes(path: Path, games: int) -> int:
    """Open a file's games in a process of its own and return the most memory that it took."""
    command = [sys.executable, "-c", OPEN, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    read, train, kilobytes = map(int, done.stdout.split())
    assert (read, train) == (games, games // 10)
    return kilobytes * 1024


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_memory_stays_flat_over_five_gigabytes(tmp_path: Path, cache_root: Path) -> None:
    sizes = {"small.pgn.zst": GIGABYTE // 4, "large.pgn.zst": 5 * GIGABYTE}
    small, large = (
        peak_bytes(tmp_path / name, write_large(tmp_path / name, size))
        for name, size in sizes.items()
    )
    assert large < small + 64 * 1024**2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_is_full_keeps_what_is_committed(
    opened, tmp_path: Path, small_disk: Path, monkeypatch
) -> None:
    monkeypatch.setattr(pgn_reader, "BATCH_GAMES", BATCH_GAMES)
    monkeypatch.setattr(build, "COMMIT_GAMES", COMMIT_GAMES)
    path = write_pgn(tmp_path / "games.pgn", written_games(1200))
    monkeypatch.setenv(VARIABLE, str(small_disk))
    with pytest.raises(ConfigError, match=r"No space left on device; make room there, or set PAWN"):
        opened(path)
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    assert len(opened(path).train) == 1200
