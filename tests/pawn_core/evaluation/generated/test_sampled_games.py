"""Games that a model plays are judged by the rules, and known players play as they are known to."""

import chess
import chess_engine
import numpy as np
import pytest
from known_players import known_player

from pawn_core.evaluation.generated.sampled_games import (
    ENDINGS,
    ILLEGAL,
    STOPPED,
    judge,
    prompts_of_random_play,
    sample_games,
)
from pawn_core.evaluation.generated.two_samples import compare, kolmogorov_smirnov, total_variation
from pawn_core.generation import Sampling
from pawn_core.signals import StopFlag
from pawn_core.weights import Pretrained

SEARCHLESS = chess_engine.export_move_vocabulary("searchless")
PAD = SEARCHLESS.pad


def prompts_of(model: Pretrained, seed: int, games: int, max_ply: int) -> list[list[int]]:
    played = chess_engine.generate_random_games(games, seed=seed, max_ply=max_ply)
    return prompts_of_random_play(model, played)


def tokens(*ucis: str) -> list[int]:
    return [SEARCHLESS.move_ids[uci] for uci in ucis]


FOOLS_MATE = tokens("f2f3", "e7e5", "g2g4", "d8h4")


@pytest.mark.parametrize(
    ("row", "ending", "length", "end_seen"),
    [
        ([*FOOLS_MATE, PAD, PAD], "checkmate", 4, 1),
        ([*FOOLS_MATE, FOOLS_MATE[0], PAD], "checkmate", 4, 0),
        (FOOLS_MATE, "checkmate", 4, -1),
        ([*tokens("e2e4", "e2e4"), PAD], "illegal", 1, -1),
        ([*tokens("e2e4"), 1970, PAD], "illegal", 1, -1),
        ([*tokens("e2e4"), PAD, PAD], "stopped", 1, -1),
        ([*tokens("e2e4"), PAD, *tokens("e7e5")], "stopped", 1, -1),
        (tokens("e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6"), "ply_limit", 6, -1),
        ([*tokens("e2e4", "e7e5", "g1f3", "b8c6", "f1b5", "a7a6"), PAD], "ply_limit", 6, 1),
    ],
)
def test_a_game_ends_where_the_rules_or_its_first_illegal_token_end_it(
    row: list[int], ending: str, length: int, end_seen: int
) -> None:
    games = judge(np.array([row]), SEARCHLESS, max_ply=6)
    assert ENDINGS[games.endings_b[0]] == ending
    assert games.lengths_b[0] == length
    assert games.end_seen_b[0] == end_seen
    assert games.tokens_bp[0].tolist() == row[:length] + [PAD] * (6 - length)
    assert (games.outcomes_b[0] == -1) == (ending in ("illegal", "stopped"))


@pytest.mark.parametrize("masked", [False, True], ids=["free", "masked"])
@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_the_legal_law_plays_as_random_play_does(prefixed: bool, masked: bool) -> None:
    seed, games, most = 11, 200, 120
    print(f"seed {seed}")
    model = known_player(legal=True, prefixed=prefixed, width=most + prefixed)
    prompts = prompts_of(model, seed, games, most)
    sampling = Sampling(legal=masked, until_illegal=not masked, seed=seed)
    played = sample_games(model, prompts, sampling, most, StopFlag())
    random = chess_engine.generate_random_games(2_000, seed=seed + 1, max_ply=most)
    assert (played.endings_b < ILLEGAL).all()
    for mine, theirs, statistic, bins in (
        (played.endings_b, random.terminations, total_variation, len(ENDINGS)),
        (played.lengths_b, random.lengths, kolmogorov_smirnov, most + 1),
    ):
        counts = [np.bincount(values, minlength=bins) for values in (mine, theirs)]
        assert compare(counts[0], counts[1], statistic, seed).p > 0.01


def test_uniform_over_the_vocabulary_ends_at_once_as_often_as_it_must() -> None:
    seed, games = 3, 400
    model = known_player(legal=False, prefixed=True, width=40)
    prompts = prompts_of(model, seed, games, 39)
    played = sample_games(model, prompts, Sampling(until_illegal=True, seed=seed), 39, StopFlag())
    board = chess.Board()
    share = 1 - board.legal_moves.count() / 1980
    at_once = int((played.lengths_b == 0).sum())
    deviation = (games * share * (1 - share)) ** 0.5
    assert abs(at_once - games * share) < 4 * deviation
    assert set(played.endings_b) <= {ILLEGAL, STOPPED}


def test_a_game_of_a_seed_is_the_same_in_any_batch() -> None:
    model = known_player(legal=True, width=60)
    prompts = prompts_of(model, 5, 12, 60)
    together = sample_games(model, prompts, Sampling(until_illegal=True, seed=5), 60, StopFlag())
    for first in (0, 3, 7):
        part = sample_games(
            model,
            prompts[first : first + 3],
            Sampling(until_illegal=True, seed=5, first_game=first),
            60,
            StopFlag(),
        )
        np.testing.assert_array_equal(part.tokens_bp, together.tokens_bp[first : first + 3])
