"""The two vocabularies, against the published ids and against a second construction."""

import chess
import chess_engine as engine
import numpy as np
import pytest
from oracle import PROMOTIONS

NAMES = ["searchless", "coordinate"]


def promotions(from_rank: int, file: int, step: int) -> list[str]:
    to_rank = {1: 0, 6: 7}[from_rank]
    if not 0 <= file + step <= 7:
        return []
    squares = chess.Move(chess.square(file, from_rank), chess.square(file + step, to_rank)).uci()
    return [squares + suffix for suffix in PROMOTIONS.values()]


def searchless_moves() -> list[str]:
    empty = chess.Board(None)
    moves = []
    for source in chess.SQUARES:
        for piece in (chess.QUEEN, chess.KNIGHT):
            empty.set_piece_at(source, chess.Piece(piece, chess.WHITE))
            moves += [chess.Move(source, to).uci() for to in sorted(empty.attacks(source))]
            empty.remove_piece_at(source)
    for rank in (1, 6):
        for file in range(8):
            moves += [m for step in (0, -1, 1) for m in promotions(rank, file, step)]
    return moves


def coordinate_moves() -> list[str]:
    names = chess.SQUARE_NAMES
    moves = [a + b for a in names for b in names]
    for rank in (6, 1):
        for step in (0, -1, 1):
            moves += [m for file in range(8) for m in promotions(rank, file, step)]
    return moves


def test_searchless_moves_are_numbered_as_specified():
    vocabulary = engine.export_move_vocabulary()
    assert vocabulary.name == "searchless"
    assert (vocabulary.size, vocabulary.pad) == (1980, 1968)
    assert vocabulary.moves == searchless_moves() + [""] * 12
    assert list(vocabulary.outcomes.values()) == list(range(1969, 1980))


def test_coordinate_moves_are_numbered_as_specified():
    vocabulary = engine.export_move_vocabulary("coordinate")
    assert (vocabulary.size, vocabulary.pad) == (4278, 0)
    assert vocabulary.moves == ["", *coordinate_moves()] + [""] * 5
    assert list(vocabulary.outcomes.values()) == list(range(4273, 4278))


def test_outcomes_have_descriptive_names_in_token_order():
    outcomes = engine.export_move_vocabulary().outcomes
    assert list(outcomes) == [
        "white_checkmates",
        "black_checkmates",
        "stalemate",
        "draw_by_rule",
        "ply_limit",
        "white_wins_by_resignation",
        "black_wins_by_resignation",
        "draw_by_agreement",
        "white_wins_on_time",
        "black_wins_on_time",
        "draw_by_time",
    ]
    assert list(engine.export_move_vocabulary("coordinate").outcomes) == list(outcomes)[:5]


@pytest.mark.parametrize("name", NAMES)
def test_columns_decompose_every_move_token(name: str):
    vocabulary = engine.export_move_vocabulary(name)
    suffixes = ["", *PROMOTIONS.values()]
    for token, uci in enumerate(vocabulary.moves):
        columns = [vocabulary.source, vocabulary.destination, vocabulary.promotion]
        source, destination, promotion = (int(column[token]) for column in columns)
        if not uci:
            assert (source, destination, promotion) == (-1, -1, -1)
            continue
        assert chess.square_name(source) + chess.square_name(destination) == uci[:4]
        assert suffixes[promotion] == uci[4:]
        assert vocabulary.move_ids[uci] == token
    assert vocabulary.source.dtype == np.int8
    assert vocabulary.source.shape == (vocabulary.size,)


def test_an_unknown_vocabulary_is_refused_with_the_allowed_ones():
    with pytest.raises(ValueError, match=r"'?\"?words.* searchless, coordinate"):
        engine.export_move_vocabulary("words")
    with pytest.raises(ValueError, match="searchless, coordinate"):
        engine.generate_random_games(1, seed=0, vocabulary="words")
    with pytest.raises(ValueError, match="searchless, coordinate"):
        engine.validate_games(np.zeros((1, 1), np.int16), vocabulary="words")
