"""Puzzles of Lichess: the first move is the opponent's, and the solver is who is asked."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from reading_sources import positions_of

from pawn_core.config import ConfigError
from pawn_core.positions.sources.puzzles import Puzzles

HEADER = "PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl,OpeningTags"
BEFORE = "6k1/5ppp/8/8/8/8/r4PPP/1R4K1 b - - 0 1"
"""Black moves the rook away; White mates on the back rank."""
MATE = f"00001,{BEFORE},a2a3 b1b8,900,80,90,100,mateIn1,https://lichess.org/abcdefgh/black#34,"
WIN = (
    "00002,r1bqkbnr/pppp1ppp/2n5/4p3/4P3/5N2/PPPP1PPP/RNBQKB1R w KQkq - 2 3,"
    "f1c4 f8c5 c4f7 e8f7,1200,80,90,100,crushing,https://lichess.org/abcdefgh#6,"
)


def read(tmp_path: Path, rows: Sequence[str], header: str = HEADER):
    return positions_of(Puzzles, tmp_path / "puzzles.csv", "\n".join([header, *rows]) + "\n")


def test_the_position_is_that_after_the_opponents_first_move(tmp_path: Path) -> None:
    (position,), _ = read(tmp_path, [MATE])
    assert position.fen == "6k1/5ppp/8/8/8/r7/5PPP/1R4K1 w - - 1 2"
    assert position.policy == {"b1b8": 1.0}


def test_every_move_of_the_solver_is_asked_for_and_none_of_the_opponent(tmp_path: Path) -> None:
    positions, _ = read(tmp_path, [WIN])
    assert [position.policy for position in positions] == [{"f8c5": 1.0}, {"e8f7": 1.0}]
    assert [position.fen.split()[1] for position in positions] == ["b", "b"]


def test_the_solver_is_worth_one_where_it_ends_in_mate_and_nothing_is_said_elsewhere(
    tmp_path: Path,
) -> None:
    positions, _ = read(tmp_path, [MATE, WIN])
    assert [position.value for position in positions] == [1.0, None, None]


def test_puzzles_of_a_game_are_of_one_game(tmp_path: Path) -> None:
    positions, _ = read(tmp_path, [MATE, WIN])
    assert len({position.game for position in positions}) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (MATE.replace("a2a3", "a2a9"), "illegal move"),
        (MATE.replace("b1b8", "b1c2"), "illegal move"),
        (MATE.replace("a2a3 b1b8", "a2a3"), "not an opponent's and a solver's move in turn"),
        (MATE.replace("a2a3 b1b8", ""), "not an opponent's and a solver's move in turn"),
        (MATE.replace("6k1", "6kk"), "no legal position"),
        (MATE.replace("6k1/5ppp", "6k1/5pp"), "no legal position"),
        (MATE + ",", "no row of CSV"),
        ("just words", "no row of CSV"),
        ('"' + MATE, "no row of CSV"),
        ("\0" * 9, "no row of CSV"),
    ],
)
def test_a_bad_row_is_counted_by_its_reason_and_the_next_is_read(
    tmp_path: Path, row: str, reason: str
) -> None:
    positions, counts = read(tmp_path, [row, MATE])
    assert len(positions) == 1
    assert counts == {"lines read": 2, reason: 1}


def test_a_file_without_the_columns_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no column 'Moves'"):
        read(tmp_path, [], "PuzzleId,FEN,Solution")
    with pytest.raises(ConfigError, match="has no column 'FEN'"):
        read(tmp_path, [], "")
