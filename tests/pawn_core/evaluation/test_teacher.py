"""Positions in which a model goes wrong, and what tells that it does."""

import math
from collections.abc import Iterator
from pathlib import Path

import chess
import chess_engine
import pytest
from analysing import BY_THE_RULES, write_analyser
from position_weights import position_weights

from pawn_core.config import ConfigError
from pawn_core.evaluation.teacher import Teacher, TeacherConfig, Thought, Turn
from pawn_core.positions.sources.walks import START, WalkedPosition
from pawn_core.tasks.analysis import Analysis, Line

LINES = (("e2e4", 30), ("d2d4", 20), ("g1f3", 10), ("c2c4", 0))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TeacherConfig:
    folder = tmp_path_factory.mktemp("teacher")
    return TeacherConfig(
        weights=str(position_weights(folder / "weights")),
        stockfish_path=write_analyser(folder / "program", answer=BY_THE_RULES),
        analysis_cache=str(folder / "cache"),
    )


@pytest.fixture(scope="module")
def teacher(config: TeacherConfig) -> Iterator[Teacher]:
    teacher = Teacher("teacher", config)
    yield teacher
    teacher.close()


def turn(uci: str, following_cp: float, *, more: int = 0, ply: int = 20, nats: float = 0.5) -> Turn:
    lines = tuple(Line(move, cp + more) for move, cp in LINES)
    return Turn(
        WalkedPosition("game", ply, START, Analysis(lines)), Thought(uci, nats), following_cp
    )


@pytest.mark.parametrize(
    ("played", "wrong"),
    [
        (turn("e2e4", -30), False),
        (turn("g1f3", -10), False),
        (turn("c2c4", 0), True),
        (turn("e2e4", 89), False),
        (turn("e2e4", 90), True),
        (turn("e2e4", 49, ply=60), False),
        (turn("e2e4", 50, ply=60), True),
        (turn("e2e4", -120, more=90, nats=1.24), False),
        (turn("e2e4", -120, more=90, nats=1.25), True),
        (turn("e2e4", -119, more=89, nats=1.25), False),
        (turn("e2e4", 150, more=-180, nats=1.25), True),
        (turn("e2e4", float("nan")), False),
    ],
)
def test_what_is_wrong_is_another_move_a_loss_or_doubt_where_it_matters(
    played: Turn, wrong: bool
) -> None:
    assert played.is_wrong == wrong


def test_what_a_model_thinks_is_of_legal_moves_alone(teacher: Teacher) -> None:
    fens = chess_engine.sample_positions(range(50), seed=4).fens
    for fen, thought in zip(fens, teacher._thoughts(fens), strict=True):
        legal = [move.uci() for move in chess.Board(fen).legal_moves]
        assert thought.uci in legal
        assert 0 <= thought.entropy <= math.log(len(legal)) + 1e-4


def test_the_mistakes_of_a_game_are_the_same_again_whatever_the_others(teacher: Teacher) -> None:
    both, _ = teacher._games(range(3, 5))
    alone, failed = teacher._games(range(4, 5))
    assert failed == 0
    among = [turn for turn in both if turn.position.game == alone[0].position.game]
    assert [turn.position for turn in among] == [turn.position for turn in alone]
    assert [turn.thought.uci for turn in among] == [turn.thought.uci for turn in alone]
    following = {turn.position.ply: turn.position for turn in alone}
    for turn in alone:
        after = following.get(turn.position.ply + 1)
        if after is not None:
            assert after.fen == chess_engine.apply(turn.position.fen, turn.thought.uci)
            assert turn.following_cp == after.analysis.lines[0].centipawns


def test_kept_positions_have_the_programs_labels(
    teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pawn_core.evaluation.teacher.Teacher.AT_ONCE", 2)
    parcel = next(teacher.parcels())
    assert parcel.positions
    assert parcel.place == 2
    assert parcel.counts["analysis failed"] == 0
    for position in parcel.positions:
        first = [move.uci() for move in list(chess.Board(position.fen).legal_moves)[:5]]
        assert position.policy
        assert list(position.policy) == first


def test_other_weights_are_another_source(
    teacher: Teacher, config: TeacherConfig, tmp_path: Path
) -> None:
    weights = str(position_weights(tmp_path / "weights", seed=1))
    other = Teacher("teacher", config.model_copy(update={"weights": weights}))
    other.close()
    assert other.versions["program"] == teacher.versions["program"]
    assert other.versions["weights"] != teacher.versions["weights"]


def test_weights_that_are_not_there_are_refused(config: TeacherConfig, tmp_path: Path) -> None:
    missing = config.model_copy(update={"weights": str(tmp_path / "none")})
    with pytest.raises(ConfigError, match="weights"):
        Teacher("teacher", missing)
