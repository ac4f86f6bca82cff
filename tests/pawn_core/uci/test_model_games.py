"""A model over UCI plays the very games that it plays in the matches of evaluations."""

import numpy as np
import pytest
from fronts import Heard, errors_in, transformer

from pawn_core.evaluation.play.matches import Rules, play_pairs
from pawn_core.evaluation.play.players import BOARD, ModelPlayer, RandomPlayer
from pawn_core.signals import StopFlag
from pawn_core.uci.model_games import ModelGames

PAIRS = range(3, 5)
RULES = Rules(seed=4, opening_plies=5, max_ply=63)


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_a_game_over_uci_is_that_of_the_evaluation_move_for_move(vocabulary, prefixed) -> None:
    pretrained = transformer(vocabulary, prefixed=prefixed)
    player = ModelPlayer(pretrained, "model", temperature=0.7, masked=True, seed=9)
    games = play_pairs((player, RandomPlayer(1, 63)), PAIRS, RULES, StopFlag())
    heard = Heard(ModelGames(pretrained, "model"), temperature=0.7, seed=9)
    for index, (tokens_p, plies) in enumerate(zip(games.tokens_bp, games.lengths_b, strict=True)):
        ucis = [BOARD.moves[token] for token in tokens_p[:plies]]
        heard("ucinewgame", f"setoption name Game value {2 * (2 * PAIRS.start + index)}")
        own = [t for t in range(RULES.opening_plies, plies) if t % 2 == index % 2]
        answered = [heard.move(f"position startpos moves {' '.join(ucis[:t])}", "go") for t in own]
        assert answered == [ucis[t] for t in own]
        assert len(own) > 20
    assert errors_in(heard.lines) == []


def test_taking_back_and_changing_sides_read_the_game_anew() -> None:
    pretrained = transformer("searchless", prefixed=True)
    game = ["g1f3", "g8f6", "b1c3", "b8c6", "a2a3", "a7a6", "h2h3", "h7h6"]
    lines = [f"position startpos moves {' '.join(game[:t])}" for t in range(1, 9)]
    rng = np.random.default_rng(5)
    heard = Heard(ModelGames(pretrained, "model"))
    anew = {line: Heard(ModelGames(pretrained, "model"))(line, "go") for line in lines}
    for line in rng.choice(lines, 30):
        assert heard(line, "go")[1:] == anew[line][1:]


def test_the_first_move_is_any_where_the_model_does_not_predict_it() -> None:
    pure, prefixed = (transformer("searchless", prefixed=p) for p in (False, True))
    lines = Heard(ModelGames(pure, "model"))("position startpos", "go")
    assert lines[1] == (
        "info string the model does not predict the first move of a game; any legal move is played"
    )
    assert "policy" in Heard(ModelGames(prefixed, "model"))("position startpos", "go")[1]
