"""What a model says at the board: of models whose play is known, and against how models play."""

import numpy as np
import pytest
import torch
from fronts import transformer
from known_players import OneHotBoard, known_player
from position_weights import toy_model

from pawn_core.board.games import MEN, Game, random_game
from pawn_core.board.moves_model import MovesModel
from pawn_core.board.positions_model import PositionsModel
from pawn_core.board.predictions import NotPredicted
from pawn_core.board.questions import RandomGameQuestion
from pawn_core.config import Architecture, ConfigError
from pawn_core.evaluation.play.players import BOARD, ModelPlayer
from pawn_core.evaluation.subjects import PositionSubject
from pawn_core.position_model import LoadedPositionModel
from pawn_core.weights import Pretrained
from pawn_core.weights.source import Origin
from pawn_core.weights.spec import ModelSpec
from pawn_core.weights.subject import Subject

BOTH_LAYOUTS = pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
BOTH_VOCABULARIES = pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
GAME = random_game(RandomGameQuestion(seed=2, number=1, max_ply=40))
FOOLS_MATE = Game(("f2f3", "e7e5", "g2g4", "d8h4"))


def at_the_board(pretrained: Pretrained) -> MovesModel:
    subject = Subject(pretrained, "known", "here", "0", None, None, {"lr": 1.0}, {})
    return MovesModel(subject)


def positions_at_the_board(gain: float = 1.0) -> PositionsModel:
    """Return an untrained model; one with a gain says more than how often things are so."""
    model = toy_model(seed=4).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.mul_(gain)
    origin = Origin("toy", "here", "0", None, None)
    return PositionsModel(PositionSubject(LoadedPositionModel(model, origin), {}))


def pieces(fen: str) -> list[str]:
    """Return the men by square, a1 first."""
    ranks = fen.split()[0].split("/")[::-1]
    return list("".join("." * int(c) if c.isdigit() else c for rank in ranks for c in rank))


@BOTH_LAYOUTS
@BOTH_VOCABULARIES
def test_a_model_that_knows_the_law_is_at_no_distance_from_it(vocabulary, prefixed) -> None:
    model = at_the_board(
        known_player(legal=True, vocabulary=vocabulary, prefixed=prefixed, width=64)
    )
    for ply in (1, 17, 40):
        legal = GAME.legal(ply)
        prediction = model.predict(GAME, ply, "")
        law_m = model.law.probabilities(GAME.fens[ply], legal)
        np.testing.assert_allclose(prediction.legal, 1 / len(legal))
        measures = prediction.measures(law_m)
        assert measures["legal_mass"] == pytest.approx(1)
        assert measures["kl"] == pytest.approx(0, abs=1e-9)
        assert measures["entropy"] == pytest.approx(measures["law_entropy"])
        assert prediction.end() == pytest.approx(0)
        assert [move["p"] for move in prediction.illegal()] == [0.0] * 3
    assert model.predict(FOOLS_MATE, 4, "").end() == pytest.approx(1)


@BOTH_LAYOUTS
def test_a_model_that_knows_nothing_gives_legal_moves_their_share_of_all_tokens(prefixed) -> None:
    model = at_the_board(known_player(legal=False, prefixed=prefixed, width=64))
    prediction = model.predict(GAME, 9, "")
    legal = len(GAME.legal(9))
    assert prediction.legal_mass == pytest.approx(legal / BOARD.size)
    assert prediction.kl(np.full(legal, 1 / legal)) == pytest.approx(np.log(BOARD.size / legal))
    assert all(move["uci"] not in GAME.legal(9) for move in prediction.illegal())


@BOTH_VOCABULARIES
def test_it_expects_what_the_same_model_plays_by(vocabulary) -> None:
    pretrained = transformer(vocabulary, prefixed=True)
    model = at_the_board(pretrained)
    player = ModelPlayer(pretrained, "model", temperature=1.0, masked=True, seed=0)
    for ply in (40, 12):  # the second is answered from what was read for the first
        white = ply % 2 == 0
        played_bt = np.array([[BOARD.move_ids[uci] for uci in GAME.ucis[:ply]]], dtype=np.int16)
        legal_bv = np.zeros((1, BOARD.size), dtype=np.bool_)
        legal_bv[0, [BOARD.move_ids[uci] for uci in GAME.legal(ply)]] = True
        player.begin(np.array([0]), np.array([white]))
        played_v = player.logits(played_bt, legal_bv)[0].double().softmax(0)
        outcome = "white_checkmates" if white else "black_checkmates"
        expected_m = model.predict(GAME, ply, outcome).legal
        ids = [pretrained.vocabulary.move_ids[uci] for uci in GAME.legal(ply)]
        np.testing.assert_allclose(expected_m / expected_m.sum(), played_v[ids], rtol=1e-3)


def test_where_a_model_says_nothing_that_is_said() -> None:
    model = at_the_board(known_player(legal=True, width=24))
    for game, ply, why in ((GAME, 0, "the first move"), (GAME, 24, "games of up to 24 plies")):
        with pytest.raises(NotPredicted, match=why):
            model.predict(game, ply, "")
    assert model.predict(GAME, 23, "").legal_mass == pytest.approx(1)
    with pytest.raises(NotPredicted, match="while the game goes on"):
        model.squares(FOOLS_MATE, 4, None, "")
    with pytest.raises(ConfigError, match="outcome 'stalemate' is unknown; one of: none"):
        model.predict(GAME, 3, "stalemate")
    with pytest.raises(NotPredicted, match="the game is over"):
        positions_at_the_board().predict(FOOLS_MATE, 4, "")


def test_a_board_that_stands_in_the_states_is_read_without_a_mistake() -> None:
    spec = ModelSpec(Architecture(64 * 13, 0, 1, 1), "searchless", 40, False)
    model = at_the_board(Pretrained(OneHotBoard(), BOARD, spec))  # type: ignore[arg-type]
    answer = model.squares(GAME, 5, None, "")
    (board,) = answer["readings"]
    assert [MEN[said] for said in board["read"]] == pieces(GAME.fens[5])
    assert board["read"] == board["truth"]
    assert answer["layers"][0]["occupied"] > 0.95
    material = {fact["output"]: fact for fact in answer["facts"] if fact["probe"] == "material"}
    assert material["white_queen"]["right"]
    with pytest.raises(ConfigError, match="layer 3 is not there; allowed: 0 to 0"):
        model.squares(GAME, 30, 3, "")


def test_what_cannot_be_read_is_wrong_on_some_squares_and_said_to_be() -> None:
    model = at_the_board(transformer("searchless", prefixed=True, width=40))
    answer = model.squares(GAME, 30, 1, "")
    (board,) = answer["readings"]
    assert [MEN[true] for true in board["truth"]] == pieces(GAME.fens[30])
    assert board["read"] != board["truth"]
    assert 0 < answer["layers"][1]["occupied"] < 0.9
    assert (answer["layer"], answer["fitted"]["outcome"]) == (1, "ply_limit")


def test_heads_of_a_model_of_positions_are_shown_beside_the_truth() -> None:
    answer = positions_at_the_board().squares(GAME, 30, None, "")
    readings = {reading["name"]: reading for reading in answer["readings"]}
    assert [MEN[true] for true in readings["piece"]["truth"]] == pieces(GAME.fens[30])
    white = [int(man == "P") for man in pieces(GAME.fens[30])]
    assert readings["pawn_structure: white pawns"]["truth"] == white
    around_the_king = [true for true in readings["king_safety"]["truth"] if true is not None]
    assert 3 <= len(around_the_king) <= 8
    assert all(set(r["read"]) - {None} <= set(range(len(r["classes"]))) for r in readings.values())


class Placed(Game):
    """A position that no game led to."""

    fens = ("",)


@pytest.mark.parametrize("man", "NBRQ")
def test_a_square_that_is_read_is_hidden_from_the_model(monkeypatch, man: str) -> None:
    model, boards = positions_at_the_board(gain=20), []
    for standing in ("1", man):
        monkeypatch.setattr(Placed, "fens", (f"4k3/8/8/8/3{standing}4/8/8/4K3 w - - 0 1",))
        boards.append(model.squares(Placed(()), 0, None, "")["readings"][0])
    empty, occupied = boards
    assert (MEN[occupied["truth"][27]], empty["read"][27]) == (man, occupied["read"][27])
    assert empty["read"] != occupied["read"], "the other squares are read with it in sight"


def test_a_policy_is_shown_among_legal_moves_with_what_it_gives_them_of_all() -> None:
    model = positions_at_the_board()
    prediction = model.predict(GAME, 0, "")
    assert prediction.legal.sum() == pytest.approx(1)
    assert prediction.legal_mass == pytest.approx(20 / 4672, rel=2)
    assert -1 <= (prediction.value or 0) <= 1
    assert torch.isfinite(torch.tensor(prediction.entropy))
