"""Generation equals the full forward, is seeded, and can be held to the rules."""

import chess
import chess_engine
import numpy as np
import pytest
import torch

from pawn_core.config import Architecture
from pawn_core.generation import Sampling, generate
from pawn_core.model import Transformer
from pawn_core.weights import Pretrained
from pawn_core.weights.spec import ModelSpec

ARCHITECTURE = Architecture(d_model=24, n_layers=2, n_heads=3, d_ff=40)
ODD_HEADS = Architecture(d_model=21, n_layers=2, n_heads=3, d_ff=40)


def untrained(
    vocabulary: str = "searchless", prefixed: bool = False, width: int = 24, *, tied: bool = False
) -> Pretrained:
    """Return a model of random weights, large enough that its choices differ."""
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    architecture = ODD_HEADS if tied else ARCHITECTURE
    model = Transformer(architecture, tokens, width, tied=tied).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    return Pretrained(model, tokens, ModelSpec(architecture, vocabulary, width, prefixed, tied))


def moves(pretrained: Pretrained, *ucis: str) -> list[int]:
    return [pretrained.vocabulary.move_ids[uci] for uci in ucis]


@pytest.mark.parametrize("tied", [False, True])
def test_the_likeliest_continuation_equals_the_full_forward_at_every_length(tied: bool) -> None:
    model = untrained(tied=tied)
    prompts = [moves(model, "e2e4"), moves(model, "d2d4", "d7d5", "c2c4"), moves(model, "g1f3")]
    found = generate(model, prompts, Sampling(temperature=0.0), max_tokens=16)
    for row, prompt in zip(found, prompts, strict=True):
        expected = list(prompt)
        while len(expected) < 16 and (len(expected) == len(prompt) or expected[-1] != 1968):
            logits = model.model(torch.tensor([expected]))[0, -1]
            expected.append(int(logits.argmax()))
        assert row[: len(expected)].tolist() == expected
        assert set(row[len(expected) :]) <= {1968}


def test_a_game_draws_the_same_numbers_in_any_batch() -> None:
    model = untrained()
    prompts = [moves(model, uci) for uci in ("e2e4", "d2d4", "c2c4", "g1f3")]
    together = generate(model, prompts, Sampling(seed=5))
    apart = [generate(model, [p], Sampling(seed=5, first_game=i)) for i, p in enumerate(prompts)]
    np.testing.assert_array_equal(together, np.concatenate(apart))
    assert (together != generate(model, prompts, Sampling(seed=6))).any()


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_held_to_the_rules_every_move_is_legal(vocabulary: str, prefixed: bool) -> None:
    model = untrained(vocabulary, prefixed, width=40)
    outcome = [model.vocabulary.outcomes["ply_limit"]] if prefixed else []
    prompts = [[*outcome, *moves(model, uci)] for uci in ("e2e4", "a2a3", "g1h3")]
    rows = generate(model, prompts, Sampling(legal=True, seed=1))
    for row in rows[:, len(outcome) :]:
        board = chess.Board()
        for token in row[row != model.vocabulary.pad]:
            move = chess.Move.from_uci(model.vocabulary.moves[token])
            assert move in board.legal_moves
            board.push(move)
        assert len(board.move_stack) == rows.shape[1] - len(outcome) or board.is_game_over()


def test_a_mate_ends_a_game_that_is_held_to_the_rules() -> None:
    model = untrained()
    fools_mate = moves(model, "f2f3", "e7e5", "g2g4", "d8h4")
    rows = generate(model, [fools_mate, moves(model, "e2e4")], Sampling(legal=True))
    assert rows[0].tolist() == [*fools_mate, *[1968] * 20]


@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_a_free_game_is_the_ungoverned_one_up_to_its_first_illegal_token(prefixed: bool) -> None:
    model = untrained(prefixed=prefixed)
    outcome = [model.vocabulary.outcomes["ply_limit"]] if prefixed else []
    prompts = [[*outcome, *moves(model, uci)] for uci in ("e2e4", "a2a3", "g1h3")]
    free = generate(model, prompts, Sampling(until_illegal=True, seed=1))
    for row, ungoverned in zip(free, generate(model, prompts, Sampling(seed=1)), strict=True):
        board, ended = chess.Board(), False
        for token, expected in zip(row[len(outcome) :], ungoverned[len(outcome) :], strict=True):
            assert token == (model.vocabulary.pad if ended else expected)
            move = chess.Move.from_uci(model.vocabulary.moves[token] or "0000")
            ended = ended or move not in board.legal_moves
            if not ended:
                board.push(move)
        assert ended


@pytest.mark.parametrize(
    ("prompt", "options", "reason"),
    [
        ([], {}, r"prompts\[0\] has 0 tokens; allowed: 1 to 24"),
        ([0] * 25, {}, r"prompts\[0\] has 25 tokens; allowed: 1 to 24"),
        ([1980], {}, r"prompts\[0\] has a token outside 0 to 1979"),
        ([0], {"max_tokens": 25}, "max_tokens 25 is out of range; allowed: 1 to 24"),
    ],
)
def test_a_bad_prompt_is_refused(prompt, options, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        generate(untrained(), [prompt], **options)


def test_bad_sampling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"temperature -1\.0 is out of range; allowed: 0 or more"):
        Sampling(temperature=-1.0)
    for sampling in (Sampling(legal=True), Sampling(until_illegal=True)):
        with pytest.raises(ValueError, match=r"prompts\[1\] has an illegal move at ply 0"):
            generate(untrained(), [[317], [0]], sampling)
