"""Chess programs as players: what works, and every way to fail, none of which is a result."""

import os
from pathlib import Path

import chess
import numpy as np
import pytest
from programs import needs_stockfish, write_program

from pawn_core.evaluation.generated.sampled_games import ENDINGS
from pawn_core.evaluation.play.matches import Rules, play_pairs
from pawn_core.evaluation.play.players import BOARD, RandomPlayer
from pawn_core.evaluation.play.uci_engines import EngineFault, EnginePlayer, EngineSpec
from pawn_core.signals import StopFlag


@pytest.fixture
def program(tmp_path: Path):
    """Return a function that writes a program: `program(on_go)`."""
    return lambda on_go: write_program(tmp_path / "program", on_go)


def one_move(command: str, **options) -> str:
    with EnginePlayer(EngineSpec(command, **{"timeout_s": 20.0} | options)) as player:
        player.begin(np.arange(1), np.array([True]))
        played = np.array([[BOARD.move_ids["e2e4"], BOARD.move_ids["e7e5"]]], dtype=np.int16)
        legal = np.zeros((1, BOARD.size), dtype=np.bool_)
        return BOARD.moves[player.choose(played, legal, np.array([True]))[0]]


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(EngineFault, match=r"engine 'stokfish' is not there.*apt-get install"):
        one_move("stokfish")


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(EngineFault, match=r"program' does not start: Exec format error"):
        one_move(str(path))


def test_a_program_that_answers_is_heard(program) -> None:
    assert one_move(program("print('bestmove g1f3', flush=True)")) == "g1f3"


@pytest.mark.parametrize(
    ("on_go", "reason"),
    [
        (
            "print('info string no more', flush=True); os._exit(3)",
            r"engine 'Program 1.0' ended with exit code 3, .*last line: 'info string no more'",
        ),
        (
            "print('out of memory', file=sys.stderr, flush=True); os.abort()",
            r"ended with exit code -6, .*last line: 'out of memory'",
        ),
        ("print('bestmove a1a3', flush=True)", r"illegal uci: 'a1a3'.*last line: 'bestmove a1a3'"),
        ("print('bestmove a1a1', flush=True)", r"invalid uci .*last line: 'bestmove a1a1'"),
        ("print('bestmove hello', flush=True)", r"broke the protocol.*last line: 'bestmove hello'"),
        ("print('bestmove (none)', flush=True)", r"answered with no move at ply 2"),
        ("print('bestmove 0000', flush=True)", r"answered with no move at ply 2"),
        ("print('bestmove', flush=True)", r"answered with no move at ply 2"),
    ],
    ids=["dies", "aborts", "illegal", "impossible", "nonsense", "none", "null", "empty"],
)
def test_a_program_that_fails_is_an_error_with_its_last_line(program, on_go, reason) -> None:
    with pytest.raises(EngineFault, match=reason):
        one_move(program(on_go))


def test_a_silent_program_is_an_error_and_is_killed_with_what_it_started(program, tmp_path) -> None:
    child = tmp_path / "child"
    silent = f"""process = subprocess.Popen(["sleep", "600"])
        open({str(child)!r}, "w").write(str(process.pid))
        print("info depth 1", flush=True)
        time.sleep(600)"""
    with pytest.raises(
        EngineFault, match=r"gave no answer to ply 2 in 2 s; its last line: 'info depth 1'"
    ):
        one_move(program(silent), timeout_s=2.0)
    assert ended(int(child.read_text()))


def test_a_program_that_dies_but_leaves_its_pipe_to_a_child_is_no_hang(program) -> None:
    on_go = """subprocess.Popen(["sleep", "600"])
        os._exit(5)"""
    with pytest.raises(EngineFault, match=r"ended with exit code 5"):
        one_move(program(on_go), timeout_s=2.0)


def test_a_program_that_never_says_uciok_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "mute"
    path.write_text("#!/bin/sh\necho what is this\nexec sleep 600\n")
    path.chmod(0o755)
    with pytest.raises(EngineFault, match=r"no answer to 'uci' in 1 s.*'what is this'"):
        one_move(str(path), timeout_s=1.0)


def test_a_strength_that_a_program_does_not_have_is_refused(program) -> None:
    command = program("pass")
    with pytest.raises(EngineFault, match=r"'Program 1.0' allows UCI_Elo 1400 to 2000, and 1320"):
        one_move(command, options={"UCI_Elo": 1320})
    with pytest.raises(EngineFault, match=r"'Program 1.0' has no option 'Skill Level'"):
        one_move(command, options={"Skill Level": 3})


@needs_stockfish
def test_stockfish_at_fixed_nodes_plays_the_same_game_twice_and_beats_random_play() -> None:
    rules = Rules(seed=1, opening_plies=4, max_ply=120)
    spec = EngineSpec("stockfish", nodes=400)
    games = []
    for pairs in (range(2), range(1, 2)):
        with EnginePlayer(spec) as stockfish:
            games.append(play_pairs((stockfish, RandomPlayer(0, 120)), pairs, rules, StopFlag()))
            assert stockfish.name.startswith("Stockfish")
    np.testing.assert_array_equal(games[0].tokens_bp[2:], games[1].tokens_bp)
    assert {ENDINGS[e] for e in games[0].endings_b} == {"checkmate"}
    assert (games[0].lengths_b % 2).tolist() == [1, 0, 1, 0]
    board = chess.Board()
    for token in games[0].tokens_bp[0][: games[0].lengths_b[0]]:
        board.push_uci(BOARD.moves[token])
    assert board.is_checkmate()


def ended(pid: int) -> bool:
    """Whether a process is gone, or a zombie that its adoptive parent has yet to reap."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX" and os.getpid() != pid
