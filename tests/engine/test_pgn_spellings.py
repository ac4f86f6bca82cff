"""Moves in the spelling of servers are read in a loop of their own, to the same end as any."""

import random

import chess
import chess_engine as engine
import numpy as np

MOVES = engine.export_move_vocabulary().moves
SIGNS = [*" .!?-+#=x019aehNKO{}();$*/", "1-0", "1/2", "0-0", "O-O-O", " (1. e4) ", " $1 ", "--"]
SIGNS += ["{ [%clk 0:01:02] }", "{[%eval 0.3]}", "{ two\nlines }"]
SIGNS += ["½", "♘f3 ", "e8=Q ", "1. ", "..."]
COLUMNS = ("tokens", "lengths", "scores", "outcomes", "terminations", "clocks", "evaluations")


def movetext(tokens: np.ndarray, rng: random.Random) -> str:
    """Moves with numbers on both sides, and clocks on most."""
    board, words = chess.Board(), []
    for token in tokens:
        dots = "." if board.turn else "..."
        number = f"{board.fullmove_number}{dots} " if rng.random() < 0.9 else ""
        move = chess.Move.from_uci(MOVES[token])
        clock = f" {{ [%clk 0:0{rng.randrange(10)}:07] }}" if rng.random() < 0.8 else ""
        words.append(f"{number}{board.san(move)}{clock}")
        board.push(move)
    return " ".join(words)


def damaged(text: str, rng: random.Random) -> str:
    letters = list(text)
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        place, sign = rng.randrange(len(letters)), rng.choice(SIGNS)
        letters[place : place + rng.choice([0, 1, 1, 3])] = sign
    return "".join(letters)


def test_damaged_movetexts_are_read_as_where_tabs_stand_for_their_spaces() -> None:
    """No word of a movetext with tabs is in the usual spelling: all are read token by token."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    games = engine.generate_random_games(20, seed=rng.randrange(2**32), max_ply=60)
    texts = [movetext(t[:n], rng) for t, n in zip(games.tokens, games.lengths, strict=True)]
    kept = 0
    for i in range(2000):
        text = damaged(texts[i % len(texts)], rng)
        usual, others = (
            engine.pgn_to_tokens(f"{spelt}\n\n", max_ply=160, threads=1)
            for spelt in (text, text.replace(" ", "\t"))
        )
        assert usual.report == others.report, text
        for column in COLUMNS:
            np.testing.assert_array_equal(getattr(usual, column), getattr(others, column), text)
        kept += len(usual.lengths)
    assert kept > 200
