"""Games on the board, and the law of random play at their positions."""

import chess
import chess_engine
import numpy as np
import pytest

from pawn_core.board.games import Game, games_of_pgn, random_game
from pawn_core.board.law import Law
from pawn_core.board.questions import PgnQuestion, RandomGameQuestion, parse_question
from pawn_core.config import ConfigError

FOOLS_MATE = ("f2f3", "e7e5", "g2g4", "d8h4")


def test_a_random_game_is_that_of_the_engine_in_both_notations() -> None:
    game = random_game(RandomGameQuestion(seed=5, number=3, max_ply=60))
    board, document = chess.Board(), game.document()
    for uci, san, fen in zip(game.ucis, document["sans"], game.fens, strict=False):
        assert (board.fen(en_passant="legal"), board.san(chess.Move.from_uci(uci))) == (fen, san)
        board.push_uci(uci)
    assert len(document["fens"]) == len(game.ucis) + 1 == 61
    assert document["over"] is None, "a number of plies ends no game here"


def test_legal_moves_have_both_notations_and_there_are_none_when_the_game_is_over() -> None:
    game = Game.of(FOOLS_MATE)
    assert dict(zip(game.legal(3), game.legal_sans(3), strict=True))["d8h4"] == "Qh4#"
    assert (game.ending, game.legal(4), game.legal_sans(4)) == ("checkmate", [], [])
    assert (Game.of([]).ending, len(Game.of([]).legal(0))) == (None, 20)


def test_games_of_a_text_are_read_and_what_is_none_is_said() -> None:
    read = games_of_pgn(PgnQuestion(text='[White "A <b>"]\n\n1. e4 e5 2. Nf3 *\n\n1. e5 *\n'))
    assert read["games"][0] == {"white": "A <b>", "black": "", "moves": ["e2e4", "e7e5", "g1f3"]}
    assert (read["kept"], read["dropped"]) == (1, {"illegal_move": 1})
    with pytest.raises(ConfigError, match=r"text holds no game that can be played; .*illegal_move"):
        games_of_pgn(PgnQuestion(text="1. e5 *"))


@pytest.mark.parametrize(
    ("question", "fields", "error"),
    [
        ("draw", {}, "question 'draw' is unknown; one of: game, random_game"),
        ("game", {"movs": []}, "movs is not a field of question 'game'; did you mean 'moves'"),
        ("position", {"moves": []}, "source is required"),
        ("random_game", {"max_ply": 0}, "max_ply 0 is not allowed: .*allowed: >= 1 and <= 1024"),
        ("move", {"moves": [], "source": "trial:3@bst"}, "'trial:3@bst' is no trial's weights"),
    ],
)
def test_what_cannot_be_asked_is_named(question, fields, error) -> None:
    with pytest.raises(ConfigError, match=error):
        parse_question(question, fields)


@pytest.mark.parametrize(
    ("ucis", "error"),
    [
        (["e2e4", "e2e4"], r"moves\[1\] 'e2e4' is not legal there"),
        (["e2e9"], r"moves\[0\] 'e2e9' is no move in UCI"),
        ([*FOOLS_MATE, "a2a3"], r"moves\[4\] 'a2a3' is not legal there"),
    ],
)
def test_a_move_that_cannot_be_played_is_named(ucis, error) -> None:
    with pytest.raises(ConfigError, match=error):
        Game.of(ucis)


@pytest.mark.parametrize("boost", [0.0, 0.4])
def test_the_law_is_what_the_engine_draws_from(boost: float) -> None:
    batch = chess_engine.generate_training_batch(
        6, seed=11, max_ply=120, mate_boost=boost, layout="prefixed", legal_moves=True
    )
    moves = chess_engine.export_move_vocabulary().moves
    law, row, mates = Law.of({"mate_boost": boost}, prefixed=False, of_positions=False), 0, 0
    for inputs, plies in zip(batch.inputs, batch.lengths, strict=True):
        game = Game(tuple(moves[token] for token in inputs[1 : plies + 1]))
        for ply in range(plies):
            span = slice(*batch.legal_offsets[row + ply : row + ply + 2])
            assert [moves[token] for token in batch.legal_values[span]] == game.legal(ply)
            drawn_m = batch.legal_probabilities[span]
            law_m = law.probabilities(game.fens[ply], game.legal(ply))
            np.testing.assert_allclose(law_m, drawn_m, rtol=1e-12)
            mates += drawn_m.max() > drawn_m.min()
        row += plies + 1
    assert mates > 0 or not boost
    assert law.caveat == ""


@pytest.mark.parametrize(
    ("trained_by", "prefixed", "caveat"),
    [
        ({"pgn": "games.pgn", "lr": 1}, False, "learned from real games"),
        ({"discard_ply_limit": True}, False, "chosen by how they end"),
        ({"lr": 1}, True, "exact for the moves alone"),
        ({}, False, "no config beside the weights"),
    ],
)
def test_where_the_law_is_not_what_a_model_learned_that_is_said(
    trained_by, prefixed, caveat
) -> None:
    assert caveat in Law.of(trained_by, prefixed=prefixed, of_positions=False).caveat
