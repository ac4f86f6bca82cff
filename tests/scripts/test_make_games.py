"""scripts/make_games.py makes games that look like people's, the same ones from the same seed."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import chess.pgn
import chess_engine
import pytest
from programs import needs_stockfish, write_program

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import engine_games  # noqa: E402
import make_games  # noqa: E402
from engine_games import TimeControl, Wishes, play_game  # noqa: E402

from pawn_core.tasks.analysis.search_process import Line, SearchProcess  # noqa: E402

GAMES = 12
SECONDS = {"Bullet": (60, 0), "Blitz": (180, 2), "Rapid": (600, 0), "Classical": (1800, 0)}


def make(path: Path, *arguments: str, games: int = GAMES) -> Path:
    """Run the script in this process; it must succeed."""
    code = run(path, "--games", str(games), "--nodes", "60", *arguments)
    assert code == 0
    return path


def run(path: Path, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["make_games", "--output", str(path), *arguments])
        return make_games.main()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("made") / "games.pgn", "--bots", "0.3")


def read(path: Path) -> list[chess.pgn.Game]:
    text = io.StringIO(path.read_text(encoding="utf-8"))
    return list(iter(lambda: chess.pgn.read_game(text), None))


@needs_stockfish
def test_python_chess_and_the_engine_read_every_game_whole(made: Path) -> None:
    games = read(made)
    assert len(games) == GAMES
    assert not any(game.errors for game in games)
    parsed = chess_engine.parse_pgn_file(made)
    plies = [sum(1 for _ in game.mainline_moves()) for game in games]
    assert parsed.lengths.tolist() == plies
    assert len({str(game.mainline_moves()) for game in games}) == GAMES


@needs_stockfish
def test_results_are_those_of_the_board_and_the_tags_of_lichess(made: Path) -> None:
    for game in read(made):
        headers, board = game.headers, game.end().board()
        assert headers["Event"].startswith("Rated ")
        assert headers["Termination"] in ("Normal", "Time forfeit", "Abandoned")
        assert all(800 <= int(headers[f"{side}Elo"]) < 2400 for side in ("White", "Black"))
        if board.is_checkmate():
            assert headers["Result"] == board.result()
        clocks = [node.clock() for node in game.mainline()]
        assert all(clock is not None and clock >= 0 for clock in clocks)
    assert "BOT" in {game.headers.get("WhiteTitle") for game in read(made)}


@needs_stockfish
def test_a_stopped_run_goes_on_to_the_same_file(made: Path, tmp_path: Path) -> None:
    part = tmp_path / "games.pgn.part"
    part.write_bytes(made.read_bytes()[:9000])
    assert make(tmp_path / "games.pgn", "--bots", "0.3").read_bytes() == made.read_bytes()
    assert not part.exists()


@needs_stockfish
def test_games_of_other_options_are_not_gone_on_with(made: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "games.pgn.part").write_bytes(made.read_bytes())
    assert run(tmp_path / "games.pgn", "--games", "20", "--seed", "3") == 2
    assert "is of other options; remove it" in capsys.readouterr().err


@pytest.mark.slow
@needs_stockfish
def test_two_workers_make_the_same_compressed_file(made: Path, tmp_path: Path) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not there")
    command = [sys.executable, ROOT / "scripts" / "make_games.py", "--workers", "2"]
    command += ["--games", str(GAMES), "--nodes", "60", "--bots", "0.3"]
    packed = tmp_path / "games.pgn.zst"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "--output", packed], check=True, env=environment, timeout=200)
    text = subprocess.run(["zstd", "-dc", packed], check=True, capture_output=True).stdout
    assert text == made.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_program_that_dies_ends_the_run(tmp_path: Path, capsys, workers: str) -> None:
    program = write_program(tmp_path / "program", "os._exit(3)")
    assert run(tmp_path / "games.pgn", "--engine", program, "--workers", workers) == 2
    assert "ended with exit code 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--elo-min", "1500", "--elo-max", "1500"], "--elo-min 1500 is not below --elo-max 1500"),
        (["--games", "0"], "--games 0 is out of range; allowed: 1 up"),
        (["--engine", "stokfish"], "no chess program 'stokfish' on the PATH"),
    ],
    ids=["ratings", "games", "engine"],
)
def test_wrong_options_are_named(tmp_path: Path, capsys, arguments, reason) -> None:
    assert run(tmp_path / "games.pgn", *arguments) == 2
    assert reason in capsys.readouterr().err


def test_an_output_of_another_kind_is_refused(tmp_path: Path, capsys) -> None:
    assert run(tmp_path / "games.txt") == 2
    assert "is neither a .pgn nor a .pgn.zst file" in capsys.readouterr().err


@pytest.mark.slow
@needs_stockfish
def test_the_higher_rating_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = engine_games._begin

    def uneven(number: int, wishes: Wishes) -> engine_games.EngineGame:
        game = begin(number, wishes)
        for side, elo in zip(game.sides, (1000, 2000)[:: 1 if number % 2 else -1], strict=True):
            side.elo = elo
        return game

    monkeypatch.setattr(engine_games, "_begin", uneven)
    wishes = Wishes(1, 1000, 2000, (TimeControl(1800, 0),), 2, 0.0)
    with SearchProcess("stockfish", 4, "nodes 100") as program:
        endings = [play_game(program, number, wishes)[1] for number in range(20)]
    won = [end.result == ("0-1" if number % 2 else "1-0") for number, end in enumerate(endings)]
    assert sum(won) >= 15


@pytest.mark.parametrize(("speed", "times"), SECONDS.items())
def test_speeds_are_those_of_lichess(speed: str, times: tuple[int, int]) -> None:
    assert TimeControl(*times).speed == speed


class Even:
    """A program to which no move is worth anything."""

    compares = True

    def new_game(self) -> None:
        """Forget nothing."""

    def search(self, ucis: list[str]) -> list[Line]:
        """Return every legal move."""
        board = chess.Board()
        for uci in ucis:
            board.push_uci(uci)
        return [Line(move.uci(), 0) for move in board.legal_moves]


def test_even_games_end_in_a_draw_and_short_ones_on_time() -> None:
    wishes = Wishes(1, 1000, 2000, (TimeControl(1800, 0),), 2, 0.0)
    game, ending = play_game(Even(), 3, wishes)  # type: ignore[arg-type]
    assert ending == ("1/2-1/2", "Normal")
    assert 50 < len(game.ucis) < 100
    hurried = wishes._replace(time_controls=(TimeControl(6, 0),))
    game, ending = play_game(Even(), 3, hurried)  # type: ignore[arg-type]
    assert ending.termination == "Time forfeit"
    assert ending.result == ("0-1" if len(game.ucis) % 2 == 0 else "1-0")
