"""Positions of random games: each of a game of its own, the same ones whoever asks and when."""

from pathlib import Path

import chess
import pytest
from analysing import BY_THE_RULES, DIES_OVER_BLACK, write_analyser
from pydantic import ValidationError

from pawn_core.positions.sources.random_games import RandomGames, RandomGamesConfig


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pawn_core.positions.sources.random_games.RandomGames.AT_ONCE", 8)


def source(tmp_path: Path, program: str, **settings: int) -> RandomGames:
    cache = str(tmp_path / "cache")
    config = RandomGamesConfig(stockfish_path=program, analysis_cache=cache, **settings)
    return RandomGames("random", config)


def test_each_position_is_of_a_game_of_its_own_and_within_the_bounds(tmp_path: Path) -> None:
    program = write_analyser(tmp_path / "program", answer=BY_THE_RULES)
    games = source(tmp_path, program, min_ply=3, max_ply=40, men_max=31)
    parcels = games.parcels()
    first, second = next(parcels), next(parcels)
    games.close()
    positions = first.positions + second.positions
    assert len({position.game for position in positions}) == 16
    for position in positions:
        board = chess.Board(position.fen)
        assert 3 <= board.ply() <= 40
        assert len(board.piece_map()) <= 31
        assert {chess.Move.from_uci(uci) for uci in position.policy} <= set(board.legal_moves)


def test_it_goes_on_from_a_place(tmp_path: Path) -> None:
    program = write_analyser(tmp_path / "program", answer=BY_THE_RULES)
    games = source(tmp_path, program, seed=3)
    parcels = games.parcels()
    first, second = next(parcels), next(parcels)
    assert next(games.parcels(first.place)) == second
    games.close()


def test_a_position_over_which_the_program_dies_is_counted_and_has_no_label(tmp_path: Path) -> None:
    program = write_analyser(tmp_path / "program", DIES_OVER_BLACK, BY_THE_RULES)
    games = source(tmp_path, program)
    parcel = next(games.parcels())
    games.close()
    assert {position.fen.split()[1] for position in parcel.positions} == {"w"}
    assert parcel.counts["analysis failed"] == 8 - len(parcel.positions) > 0


def test_bounds_that_no_ply_meets_are_refused() -> None:
    with pytest.raises(ValidationError, match="min_ply 9 is past max_ply 8"):
        RandomGamesConfig(min_ply=9, max_ply=8)
