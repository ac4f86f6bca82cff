"""Pairs of games: openings, colours, players of either vocabulary, and who has won."""

import chess
import chess_engine
import numpy as np
import pytest
import torch
from known_players import known_player

from pawn_core.config import Architecture
from pawn_core.evaluation.generated.sampled_games import ENDINGS, SampledGames
from pawn_core.evaluation.play.elo import PAIR_SCORES, mean_score
from pawn_core.evaluation.play.matches import Rules, opening, play_pairs, white_scores
from pawn_core.evaluation.play.players import BOARD, ModelPlayer, RandomPlayer
from pawn_core.model import Transformer
from pawn_core.signals import Interrupted, StopFlag
from pawn_core.weights import Pretrained
from pawn_core.weights.spec import ModelSpec

RULES = Rules(seed=4, opening_plies=6, max_ply=80)


def model_player(legal: bool = True, masked: bool = True, seed: int = 1, **options) -> ModelPlayer:
    model = known_player(legal=legal, width=options.pop("width", 81), **options)
    return ModelPlayer(model, "model", temperature=1.0, masked=masked, seed=seed)


def random_player(seed: int = 2) -> RandomPlayer:
    return RandomPlayer(seed, 300)


def play(first, second, pairs: range = range(6), rules: Rules = RULES) -> SampledGames:
    return play_pairs((first, second), pairs, rules, StopFlag())


def test_each_opening_is_played_with_both_colours() -> None:
    games = play(model_player(), random_player())
    openings = games.tokens_bp[:, : RULES.opening_plies]
    np.testing.assert_array_equal(openings[0::2], openings[1::2])
    assert len({row.tobytes() for row in openings}) == 6
    assert len({row.tobytes() for row in games.tokens_bp}) == 12


def test_an_opening_is_legal_and_leaves_a_game_to_play() -> None:
    rules = Rules(seed=0, opening_plies=60, max_ply=80)  # long: some attempts end before
    for pair in range(300):
        board = chess.Board()
        for token in opening(pair, rules):
            board.push_uci(BOARD.moves[token])
        assert not board.is_game_over()
    addressed = chess_engine.generate_random_games(300, seed=0, max_ply=60)
    assert (addressed.lengths < 60).any()


def test_a_pair_is_the_same_in_any_block() -> None:
    together = play(model_player(), random_player())
    apart = play(model_player(), random_player(), range(4, 6))
    np.testing.assert_array_equal(together.tokens_bp[8:], apart.tokens_bp)


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
@pytest.mark.parametrize("masked", [False, True], ids=["free", "masked"])
def test_a_legal_model_of_either_vocabulary_never_forfeits(
    vocabulary: str, prefixed: bool, masked: bool
) -> None:
    model = model_player(masked=masked, vocabulary=vocabulary, prefixed=prefixed)
    games = play(model, random_player(), range(3))
    assert {ENDINGS[e] for e in games.endings_b} <= set(ENDINGS[:6])


def test_a_model_reads_the_whole_game_whoever_moves() -> None:
    """Its greedy choice is that of the full forward on the game so far."""
    architecture = Architecture(d_model=24, n_layers=2, n_heads=3, d_ff=40)
    transformer = Transformer(architecture, BOARD, 40).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    model = Pretrained(transformer, BOARD, ModelSpec(architecture, "searchless", 40, False))
    player = ModelPlayer(model, "model", temperature=0.0, masked=True, seed=1)
    rules = RULES._replace(max_ply=40)
    games = play(player, random_player(), range(2), rules)
    for number, row in enumerate(games.tokens_bp):
        board = chess.Board()
        for ply, token in enumerate(row[: games.lengths_b[number]]):
            if ply >= rules.opening_plies and (ply % 2 == 0) == (number % 2 == 0):
                seen = torch.from_numpy(row[None, :ply].astype(np.int64))
                logits = transformer(seen)[0, -1].detach()
                legal = [BOARD.move_ids[move.uci()] for move in board.legal_moves]
                assert token == max(legal, key=lambda move: float(logits[move]))
            board.push_uci(BOARD.moves[token])


def test_an_illegal_move_loses_for_the_side_that_made_it() -> None:
    games = play(model_player(legal=False, masked=False), random_player())
    scores = white_scores(games.endings_b, games.lengths_b)
    assert (games.endings_b >= ENDINGS.index("illegal")).all()
    np.testing.assert_array_equal(scores[0::2], 0.0)
    np.testing.assert_array_equal(scores[1::2], 1.0)
    held = play(model_player(legal=False, masked=True), random_player())
    assert (held.endings_b < ENDINGS.index("illegal")).all()


def test_mates_are_scored_as_python_chess_scores_them() -> None:
    games = play(random_player(1), random_player(2), range(60), RULES._replace(max_ply=300))
    scores = white_scores(games.endings_b, games.lengths_b)
    points = {"1-0": 1.0, "0-1": 0.0, "1/2-1/2": 0.5, "*": 0.5}
    for row, length, score in zip(games.tokens_bp, games.lengths_b, scores, strict=True):
        board = chess.Board()
        for token in row[:length]:
            board.push_uci(BOARD.moves[token])
        assert score == points[board.result()]
    assert {0.0, 0.5, 1.0} == set(scores)


def test_a_model_of_the_legal_law_is_random_play_in_elo() -> None:
    print("seeds 1, 2 and 4")
    rules = RULES._replace(max_ply=160)
    games = play(model_player(width=160), random_player(), range(60), rules)
    scores = white_scores(games.endings_b, games.lengths_b).reshape(-1, 2)
    pair_scores = (scores[:, 0] + 1 - scores[:, 1]) / 2
    score = mean_score([int((pair_scores == s).sum()) for s in PAIR_SCORES])
    assert score.low <= 0.5 <= score.high


def test_a_stop_ends_a_match_between_two_plies() -> None:
    class Stopped(StopFlag):
        def check(self) -> None:
            raise Interrupted("SIGTERM")

    with pytest.raises(Interrupted):
        play_pairs((model_player(), random_player()), range(2), RULES, Stopped())
