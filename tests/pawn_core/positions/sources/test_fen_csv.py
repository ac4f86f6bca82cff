"""CSV files of positions: whose the numbers are must be said."""

from pathlib import Path

import pytest
from reading_sources import positions_of

from pawn_core.config import ConfigError
from pawn_core.positions.sources.fen_csv import FenCsv
from pawn_core.positions.values import value_of_centipawns

WHITE = "4k3/8/8/8/8/8/4P3/4K2R w K - 0 1"
BLACK = "4k3/8/8/8/8/8/4P3/4K2R b K - 0 1"
EVALUATED = {"evaluation_column": "Evaluation", "numbers_of": "white"}


def read(tmp_path: Path, text: str, **settings: str):
    return positions_of(FenCsv, tmp_path / "positions.csv", text, **settings)


def values(tmp_path: Path, *cells: str, fen: str = WHITE, **settings: str) -> list[float | None]:
    text = "\n".join(["FEN,Evaluation", *(f"{fen},{cell}" for cell in cells)])
    positions, _ = read(tmp_path, text, **EVALUATED | settings)
    return [position.value for position in positions]


def test_whites_evaluations_are_turned_for_black(tmp_path: Path) -> None:
    assert values(tmp_path, "+56", "-10") == [value_of_centipawns(cp) for cp in (56, -10)]
    turned = values(tmp_path, "+56", "#3", "#-3", fen=BLACK)
    assert turned == [value_of_centipawns(-56), -1.0, 1.0]


def test_evaluations_of_the_side_to_move_stay(tmp_path: Path) -> None:
    assert values(tmp_path, "56", fen=BLACK, numbers_of="side_to_move") == [value_of_centipawns(56)]


def test_an_evaluation_says_nothing_of_moves(tmp_path: Path) -> None:
    positions, _ = read(tmp_path, f"FEN,Evaluation\n{WHITE},56\n", **EVALUATED)
    assert [position.policy for position in positions] == [None]


def test_pawns_are_hundreds_of_centipawns(tmp_path: Path) -> None:
    assert values(tmp_path, "1.5", unit="pawns") == values(tmp_path, "150")


def test_a_chance_becomes_twice_itself_less_one(tmp_path: Path) -> None:
    text = f"FEN,p\n{WHITE},0.75\n{BLACK},0.75\n{WHITE},1.2\n"
    positions, counts = read(tmp_path, text, chance_column="p", numbers_of="white")
    assert [position.value for position in positions] == [0.5, -0.5]
    assert counts["chance outside 0 to 1"] == 1


def test_best_moves_alone_leave_the_value_open(tmp_path: Path) -> None:
    positions, counts = read(
        tmp_path, f"id,FEN,best\n1,{WHITE},e1g1\n2,{BLACK},e1g1\n", best_column="best"
    )
    assert [(p.policy, p.value) for p in positions] == [({"e1g1": 1.0}, None)]
    assert counts["illegal move"] == 1


@pytest.mark.parametrize(
    "cell", ["", "nan", "inf", "1e3", "٣", "#", "#0", "--5", "1,5", "99999999"]
)
def test_what_is_no_evaluation_is_no_label(tmp_path: Path, cell: str) -> None:
    assert values(tmp_path, cell) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"evaluation_column": "Evaluation"}, "one of: white, side_to_move"),
        ({}, "at least one of: best_column"),
        ({**EVALUATED, "chance_column": "p"}, "allowed: one of them"),
        ({"best_column": "bst"}, "has no column 'bst'"),
    ],
)
def test_settings_that_leave_the_meaning_open_are_refused(
    tmp_path: Path, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, f"FEN,Evaluation\n{WHITE},1\n", **settings)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    config = FenCsv.Config(file=str(tmp_path / "none.csv"), **EVALUATED)
    with pytest.raises(ConfigError, match=r"none\.csv' is not there"):
        FenCsv("fen", config)
