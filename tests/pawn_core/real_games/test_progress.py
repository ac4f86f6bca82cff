"""What is said while games are read."""

from pathlib import Path

from builder import BATCH_GAMES

from pawn_core.real_games import progress
from pawn_core.real_games.reading import pgn as pgn_reader


def test_lines_tell_how_far_and_how_fast_it_is(said: list[str], monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    reading = progress.ReadingProgress(said.append, None)
    for read, kept, share in ((1000, 10, 0.1), (3000, 30, 0.2), (9000, 90, None)):
        now[0] += 10.0
        reading.tell(read, kept, share)
    assert said == [
        "real games: 1,000 read, 10 kept, 10%",
        "real games: 3,000 read, 30 kept, 200 a second, 20%, 0:01:20 left",
        "real games: 9,000 read, 90 kept, 400 a second",
    ]


def test_reading_and_verifying_tell_how_far_they_are(
    opened, pgn: Path, said: list[str], monkeypatch
) -> None:
    monkeypatch.setattr(progress, "_SAY_EVERY_S", 0.0)
    monkeypatch.setattr(pgn_reader, "BATCH_GAMES", BATCH_GAMES)
    opened(pgn, max_games=40, val_games=10)
    assert [line.split(", ")[1] for line in said if " read, " in line][:2] == ["7 kept", "14 kept"]
    said.clear()
    opened(pgn, max_games=40, val_games=10)
    assert said == [
        "real games: 56 of 56 in the cache verified",
        "real games: 56 games read, 40 to train on, 10 held out; dropped: none",
    ]


def test_lines_are_seldom(opened, pgn: Path, said: list[str], monkeypatch) -> None:
    monkeypatch.setattr(pgn_reader, "BATCH_GAMES", BATCH_GAMES)
    opened(pgn)
    assert len(said) == 2  # that reading begins, and what came of it


def test_a_terminal_has_a_bar(opened, pgn: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    opened(pgn)
    assert "60 read, 60 kept" in capsys.readouterr().err
