"""Games of a chess program against itself, by number."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import chess
import pytest
from analysing import BY_THE_RULES, DIES_OVER_BLACK, write_analyser

from pawn_core.positions.sources.walks import START, Walks
from pawn_core.tasks import TaskSettings
from pawn_core.tasks.analysis import Analyst


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analyst]:
    folder = tmp_path_factory.mktemp("analyst")
    program = write_analyser(folder / "program", answer=BY_THE_RULES)
    analyst = Analyst(TaskSettings(stockfish_path=program, analysis_cache=folder / "cache"))
    yield analyst
    analyst.close()


def test_a_walk_depends_on_its_number_alone(analyst: Analyst) -> None:
    some, failed = Walks(analyst, 5).from_start([2, 3])
    alone, _ = Walks(analyst, 5).from_start([3])
    assert failed == 0
    assert [p for p in some if p.game == alone[0].game] == alone
    other, _ = Walks(analyst, 6).from_start([3])
    assert [p.fen for p in other] != [p.fen for p in alone]


def test_each_position_of_a_walk_follows_from_the_one_before_by_a_legal_move(
    analyst: Analyst,
) -> None:
    positions, _ = Walks(analyst, 5).from_start([3])
    assert positions[0].fen == START
    assert [p.ply for p in positions] == list(range(len(positions)))
    for before, after in pairwise(positions):
        board = chess.Board(before.fen)
        following = []
        for move in board.legal_moves:
            board.push(move)
            following.append(board.fen(en_passant="legal"))
            board.pop()
        assert after.fen in following


def test_endgames_begin_with_few_men(analyst: Analyst) -> None:
    positions, _ = Walks(analyst, 5).from_endgames([0, 1])
    first = {p.game: p.fen for p in reversed(positions)}
    assert len(first) == 2
    assert all(sum(map(str.isalpha, fen.split()[0])) <= 5 for fen in first.values())


def test_a_walk_ends_where_the_program_fails_and_nothing_is_made_up(tmp_path: Path) -> None:
    program = write_analyser(tmp_path / "program", DIES_OVER_BLACK, BY_THE_RULES)
    analyst = Analyst(TaskSettings(stockfish_path=program, analysis_cache=tmp_path / "cache"))
    positions, failed = Walks(analyst, 5).from_start([0, 1, 2])
    analyst.close()
    assert [p.fen for p in positions] == [START] * 3
    assert failed == 3
