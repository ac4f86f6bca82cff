"""What becomes of a cache: killed, shared, damaged, full, of other files or another reader."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builder import BATCH_GAMES, COMMIT_GAMES, end_behind
from written_games import write_pgn, written_games

from pawn_core.config import ConfigError
from pawn_core.real_games import CachedGames, Selection, build, opening, selection
from pawn_core.real_games.columns import COLUMN_FILES
from pawn_core.real_games.games_cache import CacheWriter, GamesCache
from pawn_core.real_games.reading import pgn as pgn_reader
from pawn_core.signals import Interrupted, StopFlag

BUILDER = Path(__file__).with_name("builder.py")


class Killed(BaseException):
    """Nothing is done any more."""


def killed() -> None:
    raise Killed


@pytest.fixture
def small_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit every few games."""
    monkeypatch.setattr(pgn_reader, "BATCH_GAMES", BATCH_GAMES)
    monkeypatch.setattr(build, "COMMIT_GAMES", COMMIT_GAMES)


@pytest.fixture
def whole(opened, pgn: Path, tmp_path: Path, small_commits) -> CachedGames:
    """The games of a build that nothing befell, in a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAWN_GAMES_CACHE", str(tmp_path / "other"))
        return opened(pgn, max_games=30, val_games=20)


def contents(games: CachedGames) -> tuple[bytes, ...]:
    """All that is to be equal where the same games were cached."""
    rows = games.train.take(range(len(games.train))), games.val.take(range(len(games.val)))
    columns = [column.tobytes() for row in rows for column in vars(row).values()]
    return *columns, json.dumps(games.document()).encode()


def folder_of(games: CachedGames) -> Path:
    return GamesCache(games.key).folder


def test_the_second_time_no_file_is_read(opened, pgn: Path, monkeypatch) -> None:
    first = opened(pgn, max_games=40, val_games=10)
    monkeypatch.setattr(opening, "build", pytest.fail)
    assert contents(opened(pgn, max_games=40, val_games=10)) == contents(first)


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_a_build_that_ended_behind_a_commit_goes_on_to_the_same_games(
    opened, pgn: Path, whole, said: list[str], commit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        end_behind(commit, killed, patch.setattr)
        with pytest.raises(Killed):
            opened(pgn, max_games=30, val_games=20)
    assert contents(opened(pgn, max_games=30, val_games=20)) == contents(whole)
    began, ended = said[-2:]
    assert began.endswith(f", behind {14 * commit} games of before")
    assert ended == "real games: 56 games read, 30 to train on, 20 held out; dropped: none"


def test_a_build_killed_by_sigkill_goes_on_to_the_same_games(
    opened, pgn: Path, whole, cache_root: Path, said: list[str]
) -> None:
    command = [sys.executable, str(BUILDER), str(pgn), "30", "20", "2"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (folder,) = cache_root.iterdir()
    state = GamesCache(folder.name).state()
    assert state
    assert 0 < state.games < (folder / "outcomes").stat().st_size // 2
    games = opened(pgn, max_games=30, val_games=20)
    assert contents(games) == contents(whole)
    assert folder_of(games) == folder


def test_of_two_processes_one_builds_and_the_other_waits(pgn: Path, cache_root: Path) -> None:
    command = [sys.executable, str(BUILDER), str(pgn), "30", "20", "0"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert lines[0][-1] == lines[1][-1] != ""
    assert sum("real games: reading" in line for said in lines for line in said) == 1


def test_who_waits_says_for_which_process_and_heeds_a_stop(pgn: Path, cache_root: Path) -> None:
    said, stop = [], StopFlag()

    def say(line: str) -> None:
        said.append(line)
        stop.signal = signal.SIGTERM

    wanted = Selection(str(pgn), 512)
    cache = GamesCache(opening._Opening(wanted, print).key)
    with cache.locked(StopFlag(), pytest.fail), pytest.raises(Interrupted):
        opening.open_games(wanted, stop=stop, say=say)
    assert said == [f"real games: waiting for process {os.getpid()}, which reads them"]


def test_a_stop_is_heeded_and_what_was_read_stays(
    pgn: Path, cache_root: Path, small_commits, monkeypatch
) -> None:
    stop, append = StopFlag(), CacheWriter.append

    def stopped(self: CacheWriter, games) -> None:
        append(self, games)
        stop.signal = signal.SIGTERM

    monkeypatch.setattr(CacheWriter, "append", stopped)
    with pytest.raises(Interrupted):
        opening.open_games(Selection(str(pgn), 512), stop=stop, say=print)
    (folder,) = cache_root.iterdir()
    state = GamesCache(folder.name).state()
    assert state
    assert (state.complete, state.games) == (False, BATCH_GAMES)


@pytest.mark.parametrize("name", [*(file.name for file in COLUMN_FILES), "held_out", "state.json"])
@pytest.mark.parametrize("how", ["a bit flipped", "cut", "gone"])
def test_damage_is_noticed_and_the_cache_made_anew(
    opened, pgn: Path, said: list[str], name: str, how: str
) -> None:
    fields = {"max_games": 20, "val_games": 10}
    games = opened(pgn, **fields)
    before, path = contents(games), folder_of(games) / name
    data = bytearray(path.read_bytes())
    path.unlink()
    if how == "a bit flipped":
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    said.clear()
    assert contents(opened(pgn, **fields)) == before
    assert any("reading" in line for line in said)
    assert contents(games) == before  # who has it open keeps what was there
    assert any("damaged" in line for line in said) or (name, how) == ("state.json", "gone")


def test_damage_of_what_is_committed_is_noticed_before_a_build_goes_on(
    opened, pgn: Path, whole, said: list[str], cache_root: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        end_behind(2, killed, patch.setattr)
        with pytest.raises(Killed):
            opened(pgn, max_games=30, val_games=20)
    (folder,) = cache_root.iterdir()
    with (folder / "tokens").open("r+b") as tokens:
        tokens.write(b"\xff")
    assert contents(opened(pgn, max_games=30, val_games=20)) == contents(whole)
    assert any("damaged" in line for line in said)


def test_workers_do_not_verify(opened, pgn: Path, monkeypatch) -> None:
    opened(pgn)
    monkeypatch.setattr(GamesCache, "verify", pytest.fail)
    opening.open_games(Selection(str(pgn), 512), stop=StopFlag(), say=print, verify=False)


def test_a_file_changed_under_its_name_is_another_source(opened, tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    first, other = (
        opened(write_pgn(path, written_games(20, seed=seed, plies=(12, 12))), max_games=10)
        for seed in (1, 2)
    )
    assert other.key != first.key
    assert other.digest != first.digest


def test_content_changed_with_size_and_time_kept_is_noticed(opened, pgn: Path) -> None:
    first, status = opened(pgn), pgn.stat()
    pgn.write_bytes(pgn.read_bytes().replace(b'WhiteElo "1850"', b'WhiteElo "1851"', 1))
    os.utime(pgn, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert pgn.stat().st_size == status.st_size
    assert opened(pgn).key != first.key


def test_a_file_that_changes_while_it_is_read_is_refused(opened, pgn: Path, monkeypatch) -> None:
    append = CacheWriter.append

    def meanwhile(self: CacheWriter, games) -> None:
        append(self, games)
        pgn.write_bytes(pgn.read_bytes() + b"\n")

    monkeypatch.setattr(CacheWriter, "append", meanwhile)
    with pytest.raises(ConfigError, match="has changed while it was read"):
        opened(pgn)


def test_another_reader_makes_another_cache(opened, pgn: Path, monkeypatch) -> None:
    first = opened(pgn)
    monkeypatch.setattr(selection.chess_engine, "SOURCE_DIGEST", "of a changed parser")
    selection.reader_version.cache_clear()
    other = opened(pgn)
    selection.reader_version.cache_clear()
    assert other.key != first.key
    assert folder_of(first).is_dir()  # no other key is touched


def test_any_field_of_a_selection_makes_another_key() -> None:
    changes = {"max_games": 3, "val_games": 3, "min_ply": 3, "elo_min": 3, "elo_max": 3}
    changes |= {"time_control": "blitz", "date_min": "2024-01-01", "date_max": "2024-01-02"}
    changes |= {"no_bots": True, "require_outcome": False, "held_out": True, "max_ply": 99}
    filters = Selection("x", 512).filters()
    assert set(changes) == set(filters)
    assert all(value != filters[name] for name, value in changes.items())


def test_a_full_disk_is_told_and_keeps_what_is_committed(
    opened, pgn: Path, whole, cache_root: Path
) -> None:
    """Where no disk can be filled, the system's call says that it is."""
    fsync, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 20:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ConfigError, match="No space left on device; make room there, or set"):
            opened(pgn, max_games=30, val_games=20)
    (folder,) = cache_root.iterdir()
    state = GamesCache(folder.name).state()
    assert state
    assert state.games > 0
    assert contents(opened(pgn, max_games=30, val_games=20)) == contents(whole)


def test_five_gigabytes_of_moves_have_their_places(tmp_path: Path) -> None:
    """Ends are 64-bit: beyond 2**32 moves a game is where it is; the file has holes."""
    moves, games = 2**32 + 100, 3
    tokens, ends, *_ = COLUMN_FILES
    for file in (tokens, ends):
        with (tmp_path / file.name).open("wb") as column:
            column.truncate(file.size(games, moves))
    with (tmp_path / tokens.name).open("r+b") as column:
        column.seek(2 * (moves - 50))
        column.write(np.arange(50, dtype="<i2").tobytes())
    mapped = tokens.map(tmp_path, games, moves)
    assert mapped[moves - 50 :].tolist() == list(range(50))


def test_a_byte_of_a_reading_module_changed_is_another_reader(tmp_path: Path, monkeypatch) -> None:
    copy = shutil.copytree(selection._READING, tmp_path / "reading")
    versions = []
    for change in (b"", b"\n"):
        (copy / "split.py").write_bytes((copy / "split.py").read_bytes() + change)
        monkeypatch.setattr(selection, "_READING", copy)
        selection.reader_version.cache_clear()
        versions.append(selection.reader_version())
    selection.reader_version.cache_clear()
    assert versions[0] != versions[1]


def test_a_cache_that_cannot_be_made_is_refused(opened, pgn: Path, cache_root: Path) -> None:
    cache_root.touch()
    with pytest.raises(ConfigError, match=r"cannot be used: Not a directory.*PAWN_GAMES_CACHE"):
        opened(pgn)
