"""scripts/make_positions.py: sources by name, settings as flags, errors that say what to do."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import make_positions  # noqa: E402

from pawn_core.positions import PositionLibrary  # noqa: E402
from pawn_core.positions.sources import SOURCES  # noqa: E402

UCI_GAMES = "e2e4 e7e5 g1f3 b8c6\nd2d4 d7d5\ne2e5\n"


@pytest.fixture
def games(tmp_path: Path) -> Path:
    path = tmp_path / "games.txt"
    path.write_text(UCI_GAMES, encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    return make_positions.main([str(argument) for argument in arguments])


def test_a_file_becomes_a_folder_of_positions_of_its_source(
    tmp_path: Path, games: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("uci", games, "--out", tmp_path / "made", "--val-share", 0) == 0
    library = PositionLibrary.open(tmp_path / "made")
    assert library.sources == ("external:uci",)
    assert len(library.train) == 5
    said = capsys.readouterr().out
    assert "5 kept" in said
    assert "1 illegal_move" in said


def test_settings_are_flags(tmp_path: Path, games: Path) -> None:
    flags = ("--val-share", 0, "--per-game", 1, "--first-ply", 1, "--seed", 3)
    assert run("uci", games, "--out", tmp_path / "made", *flags) == 0
    assert len(PositionLibrary.open(tmp_path / "made").train) == 2


def test_the_help_lists_every_source_with_what_it_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    said = " ".join(capsys.readouterr().out.split())
    for kind in SOURCES:
        assert kind.name in said
        assert kind.about in said


@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.name)
def test_every_setting_of_a_source_is_said_what_it_is(
    kind: make_positions.SourceKind, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(kind.name, "--help")
    said = " ".join(capsys.readouterr().out.split())
    for field in kind.load().Config.model_fields.values():
        assert field.description
        assert field.description in said


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--per-game", 0), "per_game 0 is not allowed"),
        (("--val-share", 1), "val_share 1.0 is out of range"),
        (("--positions", 0), "positions 0 is out of range; allowed: 1 up"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(
    tmp_path: Path,
    games: Path,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[object, ...],
    message: str,
) -> None:
    assert run("uci", games, "--out", tmp_path / "made", *flags) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("puzzles", tmp_path / "none.csv", "--out", tmp_path / "made") == 2
    assert "none.csv' is not there" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["stockfish:tactical", "teacher"])
def test_a_source_without_an_end_must_be_told_how_many(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ["weights"] if name == "teacher" else []
    assert run(name, *weights, "--out", tmp_path / "made") == 2
    assert f"positions is required: {name} has no end" in capsys.readouterr().err


def test_a_source_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("stockfish:puzzles", "--out", "made")
    assert "stockfish:tactical" in capsys.readouterr().err
