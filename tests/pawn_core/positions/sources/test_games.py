"""Positions of recorded games, in PGN and as lines of UCI moves."""

import io
from pathlib import Path

import chess.pgn
import pytest
from reading_sources import positions_of

from pawn_core.config import ConfigError
from pawn_core.positions import LabelledPosition
from pawn_core.positions.sources.pgn import Pgn
from pawn_core.positions.sources.uci_lines import UciLines

MATE = "1. f3 e5 2. g4 Qh4# 0-1"
RESIGNED = "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Bxc6 dxc6 1-0"
DRAWN = "1. d4 d5 2. c4 c6 1/2-1/2"
TIMED_OUT = "1. c4 e5 2. g3 Nf6 0-1"
ABANDONED = "1. b3 b6 2. Bb2 Bb7 1-0"


def game(moves: str, termination: str = "Normal", elo: int = 2300) -> str:
    tags = {
        "Result": moves.split()[-1],
        "WhiteElo": str(elo),
        "BlackElo": "2250",
        "Termination": termination,
    }
    return "".join(f'[{name} "{value}"]\n' for name, value in tags.items()) + f"\n{moves}\n\n"


def read(tmp_path: Path, *games: str, **settings: object):
    return positions_of(Pgn, tmp_path / "games.pgn", "".join(games), **settings)


def replayed(text: str) -> list[tuple[str, str]]:
    """Return FEN and move of every position, by python-chess."""
    read_game = chess.pgn.read_game(io.StringIO(text))
    assert read_game is not None
    board, pairs = read_game.board(), []
    for move in read_game.mainline_moves():
        pairs.append((board.fen(en_passant="legal"), move.uci()))
        board.push(move)
    return pairs


def pairs_of(positions: list[LabelledPosition]) -> list[tuple[str, str]]:
    assert all(position.policy and len(position.policy) == 1 for position in positions)
    return [(position.fen, *position.policy) for position in positions if position.policy]


def test_each_position_has_the_move_that_was_played_there(tmp_path: Path) -> None:
    positions, _ = read(tmp_path, game(RESIGNED), game(MATE))
    assert pairs_of(positions) == replayed(RESIGNED) + replayed(MATE)


@pytest.mark.parametrize(("moves", "white"), [(MATE, -1.0), (RESIGNED, 1.0), (DRAWN, 0.0)])
def test_the_value_is_the_result_for_who_is_to_move(
    tmp_path: Path, moves: str, white: float
) -> None:
    positions, _ = read(tmp_path, game(moves))
    for position in positions:
        assert position.value == (white if position.fen.split()[1] == "w" else -white)


def test_a_game_without_a_result_has_moves_and_no_value(tmp_path: Path) -> None:
    positions, _ = read(tmp_path, game(ABANDONED, "Abandoned"), game(DRAWN.replace("1/2-1/2", "*")))
    assert len(positions) == 8
    assert {position.value for position in positions} == {None}


def test_games_that_time_ended_are_dropped_and_counted_where_that_is_asked(tmp_path: Path) -> None:
    games = [game(TIMED_OUT, "Time forfeit"), game(MATE)]
    positions, counts = read(tmp_path, *games, no_time_forfeits=True)
    assert pairs_of(positions) == replayed(MATE)
    assert counts == {"games read": 2, "time_forfeit": 1}
    assert len(read(tmp_path, *games)[0]) == 8


def test_games_below_a_rating_are_dropped_and_counted(tmp_path: Path) -> None:
    positions, counts = read(tmp_path, game(MATE, elo=2100), game(RESIGNED), elo_min=2200)
    assert pairs_of(positions) == replayed(RESIGNED)
    assert counts == {"games read": 2, "elo": 1}


def test_which_positions_of_a_game_are_taken_depends_on_no_other_game(tmp_path: Path) -> None:
    alone, _ = read(tmp_path, game(RESIGNED), per_game=3, first_ply=2, seed=7)
    among, _ = read(tmp_path, game(DRAWN), game(RESIGNED), per_game=3, first_ply=2, seed=7)
    assert len(alone) == 3
    assert alone == among[2:]
    assert {position.fen.split()[5] for position in alone} <= {"2", "3", "4"}


def test_reading_goes_on_from_the_place_of_a_parcel(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text("".join(game(RESIGNED) for _ in range(1100)), encoding="utf-8")
    source = Pgn("pgn", Pgn.Config(file=str(path), per_game=1))
    parcels = list(source.parcels())
    assert len(parcels) > 2
    for number, parcel in enumerate(parcels[:-1]):
        rest = list(source.parcels(parcel.place))
        assert [p.positions for p in rest] == [p.positions for p in parcels[number + 1 :]]
        assert sum(p.counts["games read"] for p in rest) == sum(
            p.counts["games read"] for p in parcels[number + 1 :]
        )


def test_lines_of_uci_moves_give_the_same_positions_as_the_pgn(tmp_path: Path) -> None:
    text = "\n".join(" ".join(uci for _, uci in replayed(moves)) for moves in (RESIGNED, MATE))
    lines, counts = positions_of(UciLines, tmp_path / "games.txt", f"{text}\ne2e5\n\ne2\n")
    games, _ = read(tmp_path, game(RESIGNED), game(MATE))
    assert pairs_of(lines) == pairs_of(games)
    assert [position.game for position in lines] == [position.game for position in games]
    assert [position.value for position in lines[-4:]] == [-1.0, 1.0, -1.0, 1.0]
    assert {position.value for position in lines[:-4]} == {None}
    assert counts == {"games read": 5, "illegal_move": 1, "empty": 1, "malformed": 1}


def test_a_speed_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="time_control"):
        read(tmp_path, game(MATE), time_control="quick")
