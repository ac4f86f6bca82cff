"""scripts/uci_match.py lets any two programs play pairs of games over UCI."""

import io
import sys
from pathlib import Path

import chess.pgn
import numpy as np
import pytest
from programs import FIRST_MOVE, needs_stockfish, write_program

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import uci_match  # noqa: E402


@pytest.fixture
def match(tmp_path: Path, monkeypatch, capsys):
    """Return a function that plays a match; it returns the exit code, stdout and stderr."""

    def play(*arguments: str) -> tuple[int, str, str]:
        command = ["uci_match", "--pgn", str(tmp_path / "match.pgn"), *arguments]
        monkeypatch.setattr(sys, "argv", command)
        return uci_match.main(), *capsys.readouterr()

    return play


@needs_stockfish
def test_each_opening_is_played_with_both_colours_and_the_stronger_wins(match, tmp_path) -> None:
    weaker = write_program(tmp_path / "weaker", FIRST_MOVE)
    code, out, err = match(
        *("--first", "stockfish", "--second", weaker),
        *("--nodes", "300", "--pairs", "1", "--max-ply", "300"),
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("first program: score 1.000 (")
    text = io.StringIO((tmp_path / "match.pgn").read_text(encoding="utf-8"))
    games = list(iter(lambda: chess.pgn.read_game(text), None))
    openings = [[str(move) for move in game.mainline_moves()][:8] for game in games]
    assert [game.headers["Result"] for game in games] == ["1-0", "0-1"]
    assert openings[0] == openings[1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--first", "stokfish"], "engine 'stokfish' is not there"),
        (["--first-option", "Skill=0"], "has no option 'Skill', which this strength needs"),
        (["--first-option", "UCI_Elo=9000"], "allows UCI_Elo 1400 to 2000, and 9000"),
        ([], "illegal uci: 'a1a3'"),
        (["--pairs", "0"], "--pairs 0 is out of range; allowed: 1 up"),
    ],
    ids=["absent", "unknown", "bounds", "illegal", "none"],
)
def test_a_program_that_cannot_play_ends_the_match(match, tmp_path, arguments, reason) -> None:
    program = write_program(tmp_path / "program", "print('bestmove a1a3', flush=True)")
    code, _, err = match("--first", program, "--second", program, *arguments)
    assert code == 2
    assert reason in err


def test_the_verdict_has_the_intervals_of_the_evaluation() -> None:
    assert uci_match.verdict(np.array([0.5, 0.75, 0.5, 0.25])).startswith(
        "first program: score 0.500 (0."
    )
    assert "Elo inf (" in uci_match.verdict(np.array([1.0]))
