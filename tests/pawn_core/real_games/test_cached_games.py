"""Games as they are taken from a cache."""

from pathlib import Path

import chess_engine
import numpy as np
import pytest
from written_games import write_pgn, written_games

from pawn_core.real_games.vocabularies import TokenTable

BY_RESULT = {
    "white_wins_by_resignation": "white_checkmates",
    "white_wins_on_time": "white_checkmates",
    "black_wins_by_resignation": "black_checkmates",
    "black_wins_on_time": "black_checkmates",
    "draw_by_agreement": "draw_by_rule",
    "draw_by_time": "draw_by_rule",
}


def test_games_come_in_the_order_that_is_asked_for(opened, pgn: Path) -> None:
    games = opened(pgn).train
    order = [7, 0, 59, 7]
    taken = games.take(order)
    for index, tokens, length in zip(order, taken.tokens_bp, taken.lengths_b, strict=True):
        alone = games.take([index])
        assert alone.tokens_bp.shape == (1, length)
        assert tokens[:length].tolist() == alone.tokens_bp[0].tolist()
        assert (tokens[length:] == 1968).all()
    assert taken.tokens_bp.dtype == np.int16


def test_no_game_is_taken_that_is_not_there(opened, pgn: Path) -> None:
    games = opened(pgn, max_games=40, val_games=10)
    for part, wrong in ((games.train, 40), (games.train, -1), (games.val, 10)):
        with pytest.raises(IndexError, match=f"there is no game {wrong}"):
            part.take([0, wrong])
    assert len(games.val.take([])) == 0


def test_a_legacy_vocabulary_has_the_same_moves(opened, pgn: Path) -> None:
    ours, legacy = (opened(pgn, vocabulary=name).train for name in ("searchless", "coordinate"))
    tables = [chess_engine.export_move_vocabulary(n) for n in ("searchless", "coordinate")]
    moves = [
        [[table.moves[token] for token in row] for row in games.take(range(60)).tokens_bp]
        for games, table in zip((ours, legacy), tables, strict=True)
    ]
    assert moves[0] == moves[1]
    assert (legacy.take([0, 1]).tokens_bp >= 0).all()
    assert ours.digests_g.tolist() == legacy.digests_g.tolist()


def test_outcomes_that_a_vocabulary_lacks_become_those_of_the_same_result() -> None:
    cached, legacy = map(chess_engine.export_move_vocabulary, ("searchless", "coordinate"))
    tokens = np.array([*cached.outcomes.values(), -1], np.int16)
    names = [BY_RESULT.get(name, name) for name in cached.outcomes]
    expected = [*(legacy.outcomes[name] for name in names), -1]
    assert TokenTable.of("coordinate").outcomes(tokens).tolist() == expected


def test_the_mean_elo_is_unknown_where_one_is(opened, tmp_path: Path) -> None:
    texts = [*written_games(1), *written_games(1, first=1, BlackElo="?")]
    games = opened(write_pgn(tmp_path / "games.pgn", texts)).train
    means = [1835.0, np.nan]
    np.testing.assert_array_equal(games.mean_elos_g, means)
    np.testing.assert_array_equal(games.take([1, 0]).mean_elos_b, means[::-1])
