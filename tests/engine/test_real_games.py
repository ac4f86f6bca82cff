"""Real games, against python-chess: tokens, SAN, PGN, endings, clocks."""

import io
import itertools

import chess
import chess.pgn
import chess_engine as engine
import numpy as np
import pytest
from real_games import GAMES

VOCABULARY = engine.export_move_vocabulary()
MOVES = VOCABULARY.moves
NAMES = {token: name for name, token in VOCABULARY.outcomes.items()}
GENERATED = engine.generate_random_games(80, seed=90, max_ply=300, mate_boost=0.4)


def pgn(name: str) -> str:
    result, moves = GAMES[name]
    return f'[Event "{name}"]\n[Result "{result}"]\n\n{moves} {result}\n\n'


def uci(games: engine.PgnGames, i: int = 0) -> list[str]:
    return [MOVES[t] for t in games.tokens[i, : games.lengths[i]]]


def reference(text: str) -> chess.pgn.Game:
    game = chess.pgn.read_game(io.StringIO(text))
    assert game is not None
    assert game.errors == []
    return game


@pytest.mark.parametrize("name", GAMES)
def test_a_famous_game_is_read_as_python_chess_reads_it(name: str):
    games, game = engine.pgn_to_tokens(pgn(name)), reference(pgn(name))
    assert uci(games) == [m.uci() for m in game.mainline_moves()]
    board = game.end().board()
    over = board.outcome(claim_draw=False)
    ended = engine.TERMINATIONS[games.terminations[0]]
    assert ended == (over.termination.name.lower() if over else "unfinished")


def test_all_famous_games_are_read_from_one_text_whatever_the_threads():
    text = "".join(map(pgn, GAMES))
    for threads in (1, 2, 5):
        games = engine.pgn_to_tokens(text, threads=threads)
        assert games.report["kept"] == games.report["read"] == len(GAMES)
        for i, name in enumerate(GAMES):
            assert uci(games, i) == uci(engine.pgn_to_tokens(pgn(name)))


def test_famous_games_survive_the_way_to_pgn_and_back():
    games = engine.pgn_to_tokens("".join(map(pgn, GAMES)), max_ply=100)
    again = engine.pgn_to_tokens(engine.tokens_to_pgn(games.tokens), max_ply=100)
    np.testing.assert_array_equal(again.tokens, games.tokens)
    for name, san in zip(GAMES, engine.tokens_to_san(games.tokens), strict=True):
        board = chess.Board()
        for move, word in zip(reference(pgn(name)).mainline_moves(), san, strict=True):
            assert board.san(move) == word
            board.push(move)


def spellings(board: chess.Board, move: chess.Move) -> list[str]:
    """Ways in which files write a move."""
    san = board.san(move)
    bare = san.rstrip("+#")
    long = chess.square_name(move.from_square) + chess.square_name(move.to_square)
    piece = board.piece_type_at(move.from_square)
    assert piece is not None
    letter = "" if piece == chess.PAWN else chess.piece_symbol(piece).upper()
    promotion = f"={chess.piece_symbol(move.promotion).upper()}" if move.promotion else ""
    if board.is_castling(move):
        return [san, bare, bare.replace("O", "0"), long]
    dashed = f"{letter}{long[:2]}{'x' if board.is_capture(move) else '-'}{long[2:]}{promotion}"
    return [san, bare, san.replace("=", ""), long + promotion, dashed, bare + "+", bare + "!?"]


def test_every_spelling_of_a_move_is_the_move_python_chess_reads():
    rng = np.random.default_rng(4)
    for tokens, length in zip(GENERATED.tokens, GENERATED.lengths, strict=True):
        board, words = chess.Board(), []
        for token in tokens[:length]:
            move = chess.Move.from_uci(MOVES[token])
            word = str(rng.choice(spellings(board, move)))
            assert board.parse_san(word.rstrip("!?")) == move
            words.append(word)
            board.push(move)
        games = engine.pgn_to_tokens(" ".join(words), max_ply=300)
        np.testing.assert_array_equal(games.tokens[0], tokens)


def test_san_words_are_legal_exactly_where_python_chess_says_so():
    pieces, squares = ["", "N", "B", "R", "Q", "K"], chess.SQUARE_NAMES
    words = [f"{p}{s}" for p, s in itertools.product(pieces, squares)]
    words += [f"{f}x{s}" for f, s in itertools.product("abcdefgh", squares)]
    words += ["O-O", "O-O-O", "Rad1", "R1e2", "Nbd2", "N1f3", "bxa8=Q", "e8=N"]
    rng = np.random.default_rng(5)
    for tokens, length in zip(GENERATED.tokens[:12], GENERATED.lengths[:12], strict=True):
        ply = int(rng.integers(length))
        board = chess.Board()
        for token in tokens[:ply]:
            board.push_uci(MOVES[token])
        prefix = " ".join(engine.tokens_to_san(tokens[None, :ply])[0])
        # A game of its own for each word; the result stands apart from what may be no move.
        games = engine.pgn_to_tokens("".join(f"{prefix} {word} *\n\n" for word in words))
        ours = {int(n): uci(games, i) for i, n in enumerate(games.numbers)}
        for number, word in enumerate(words):
            try:
                expected = board.parse_san(word).uci()
            except ValueError:
                expected = None
            found = ours.get(number)
            assert (found[-1] if found else None) == expected, (board.fen(), word)


OUTCOMES = {
    ("1-0", "Normal"): "white_wins_by_resignation",
    ("0-1", "Normal"): "black_wins_by_resignation",
    ("1/2-1/2", "Normal"): "draw_by_agreement",
    ("1-0", "Time forfeit"): "white_wins_on_time",
    ("0-1", "Time forfeit"): "black_wins_on_time",
    ("1/2-1/2", "Time forfeit"): "draw_by_time",
}


@pytest.mark.parametrize(("result", "termination"), OUTCOMES)
@pytest.mark.parametrize("name", GAMES)
def test_the_board_comes_before_the_tags(name: str, result: str, termination: str):
    text = f'[Termination "{termination}"]\n\n{GAMES[name][1]} {result}'
    games = engine.pgn_to_tokens(text)
    board = reference(text).end().board()
    if board.is_checkmate():
        expected = "black_checkmates" if board.turn else "white_checkmates"
    elif board.is_stalemate():
        expected = "stalemate"
    else:
        expected = OUTCOMES[result, termination]
    assert NAMES[int(games.outcomes[0])] == expected


ANNOTATIONS = [
    "[%clk 0:00:07]",
    "[%clk 0:09:59.9]",
    "[%clk 12:00:00]",
    "[%eval 0.0] [%clk 1:02:03.25]",
    "[%eval -3.75,24] a word [%clk 0:00:00]",
    "[%eval #4]",
    "[%eval #-11,30]",
    "[%eval +.5]",
    "[%eval 12]",
    "[%emt 0:00:03]",
    "[%csl Gd4][%cal Ge2e4]",
    "[%clk 5:00]",
    "[%eval]",
    "nothing at all",
]


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_annotations_are_those_of_python_chess(annotation: str):
    text = f"1. e4 {{ {annotation} }} e5 {{{annotation}}} *"
    games = engine.pgn_to_tokens(text, max_ply=2)
    assert games.clocks is not None
    assert games.evaluations is not None
    for ply, node in enumerate(reference(text).mainline()):
        clock, score = node.clock(), node.eval()
        assert games.clocks[0, ply] == pytest.approx(
            np.float32(np.nan if clock is None else clock), nan_ok=True, abs=0
        )
        pawns = np.nan
        if score is not None:
            mate, points = score.white().mate(), score.white().score()
            pawns = np.inf * (mate or 1) if points is None else points / 100
        assert games.evaluations[0, ply] == pytest.approx(np.float32(pawns), nan_ok=True, abs=0)
