"""`python -m pawn_core.uci` as the programs see it that load it."""

import io
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import chess
import chess.engine
import pytest
from fronts import moves_in
from programs import STOCKFISH, needs_stockfish
from published import published_config, published_tensors
from safetensors.numpy import save_file

from pawn_core.evaluation.play.matches import Rules, play_pairs
from pawn_core.evaluation.play.uci_engines import EnginePlayer, EngineSpec
from pawn_core.signals import StopFlag
from pawn_core.uci import __main__ as program

ENGINE = (sys.executable, "-m", "pawn_core.uci", "--source")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_file(published_tensors(16, 1, 32, "searchless"), folder / "model.safetensors")
    config = published_config(16, 1, 2, 32, "searchless")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def engine(weights: Path) -> Iterator[chess.engine.SimpleEngine]:
    command = [*ENGINE, str(weights)]
    with chess.engine.SimpleEngine.popen_uci(command, timeout=120) as engine:
        yield engine


def talk(weights: Path, sent: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [*ENGINE, str(weights), *arguments]
    return subprocess.run(command, input=sent, capture_output=True, timeout=200)


@needs_stockfish
@pytest.mark.parametrize("white", [True, False])
def test_python_chess_plays_whole_games_against_stockfish(engine, white: bool) -> None:
    board, limit = chess.Board(), chess.engine.Limit(white_clock=60, black_clock=60, nodes=30)
    with chess.engine.SimpleEngine.popen_uci(STOCKFISH) as stockfish:
        stockfish.configure({"Skill Level": 0})
        engine.configure({"Temperature": "0.5", "Seed": 4})
        while not board.is_game_over() and board.ply() < 80:
            player = engine if board.turn == white else stockfish
            board.push(player.play(board, limit, game=white).move)
    assert board.ply() > 3


def test_python_chess_analyses_without_an_end_and_stops(engine) -> None:
    board = chess.Board()
    board.push_uci("e2e4")
    with engine.analysis(board) as analysis:
        analysis.stop()
        assert analysis.wait().move in board.legal_moves
    assert engine.play(board, chess.engine.Limit(time=5)).move in board.legal_moves


@pytest.mark.slow
@needs_stockfish
def test_a_match_of_the_evaluation_goes_through_it(weights: Path) -> None:
    model = EngineSpec(ENGINE[0], (*ENGINE[1:], str(weights)), timeout_s=120)
    stockfish = EngineSpec("stockfish", options={"Skill Level": 0}, nodes=30)
    with EnginePlayer(model) as first, EnginePlayer(stockfish) as second:
        rules = Rules(seed=1, opening_plies=4, max_ply=60)
        games = play_pairs((first, second), range(1), rules, StopFlag())
        assert first.name == f"PAWN {weights}"
    assert (games.lengths_b > 4).all()


@pytest.mark.slow
def test_stdout_carries_the_protocol_alone_and_the_end_of_the_input_ends_it(weights: Path) -> None:
    sent = b"position startpos moves e2e4\ngo\nuci\ngo infinite\n"
    ended = talk(weights, sent, "--temperature", "0")
    words = {line.split()[0] for line in ended.stdout.decode().splitlines()}
    assert words == {"info", "bestmove", "id", "option", "uciok"}
    assert (ended.returncode, len(moves_in(ended.stdout.decode().splitlines()))) == (0, 1)


@pytest.mark.slow
def test_bytes_that_are_no_text_and_lines_without_end_are_survived(weights: Path) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    noise = random.Random(seed).randbytes(200_000) + b"x" * (3 << 20)
    ended = talk(weights, noise + b"\nposition startpos moves e2e4\ngo\nquit\ngo\n")
    assert ended.returncode == 0, ended.stderr
    assert len(moves_in(ended.stdout.decode().splitlines())) == 1


@pytest.mark.parametrize(
    ("source", "arguments", "error"),
    [
        ("nowhere.safetensors", [], "weights 'nowhere.safetensors' do not exist"),
        ("trial:3@best", [], "there is no trial 3"),
        ("trial:3@bst", [], "'trial:3@bst' is no trial's weights"),
        ("nowhere", ["--temperature", "-1"], "Temperature '-1': allowed: float of 0.0 to 100.0"),
    ],
)
def test_what_cannot_play_is_said_on_the_wire(monkeypatch, capfd, source, arguments, error) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"uci\n"), encoding="utf-8")
    monkeypatch.setattr(program.sys, "stdin", stdin)
    monkeypatch.setattr(program.os, "dup2", lambda *_: None)  # the test's own output stays
    assert program.main(["--source", source, *arguments]) == 2
    out = capfd.readouterr().out.splitlines()
    assert out[-1].startswith("info string error ")
    assert error in out[-1]
