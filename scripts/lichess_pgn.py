"""Lichess-style PGN of random games: the tags of the open database and a clock after every move.

Deterministic: games `first_game ..` of a seed are the same text on every machine.
"""

import random
from collections.abc import Iterator

import chess_engine

MEAN_PLIES = 74
TAGS = """\
[Event "Rated Blitz game"]
[Site "https://lichess.org/{site}"]
[Date "2024.01.{day:02}"]
[Round "-"]
[White "{white}"]
[Black "{black}"]
[Result "{result}"]
[UTCDate "2024.01.{day:02}"]
[UTCTime "{hour:02}:{minute:02}:{second:02}"]
[WhiteElo "{white_elo}"]
[BlackElo "{black_elo}"]
[WhiteRatingDiff "+5"]
[BlackRatingDiff "-5"]
[ECO "C{eco:02}"]
[Opening "Italian Game: Two Knights Defense"]
[TimeControl "180+2"]
[Termination "{termination}"]

"""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def games(n_games: int, *, seed: int = 1, first_game: int = 0) -> str:
    """Return the text of games of 20 to 128 plies, 74 on average."""
    played = chess_engine.generate_random_games(
        n_games, seed=seed, first_game=first_game, max_ply=2 * MEAN_PLIES - 20
    )
    rngs = [random.Random(f"{seed} {first_game + i}") for i in range(n_games)]
    cut = [rng.randint(20, 2 * MEAN_PLIES - 20) for rng in rngs]
    lengths = played.lengths.clip(max=cut).astype("int32")
    sans = chess_engine.tokens_to_san(played.tokens, lengths)
    return "".join(_game(san, rng) for san, rng in zip(sans, rngs, strict=True))


def batches(n_bytes: int, *, seed: int = 1) -> Iterator[str]:
    """Yield different games until this many bytes are out."""
    first_game = 0
    while n_bytes > 0:
        text = games(1000, seed=seed, first_game=first_game)
        yield text
        n_bytes -= len(text)
        first_game += 1000


def _game(san: list[str], rng: random.Random) -> str:
    result = rng.choice(["1-0", "0-1", "1/2-1/2"])
    return _tags(result, rng) + " ".join(_moves(san, rng)) + f" {result}\n\n\n"


def _tags(result: str, rng: random.Random) -> str:
    return TAGS.format(
        site="".join(rng.choices(LETTERS, k=8)),
        day=rng.randint(1, 31),
        white="".join(rng.choices(LETTERS, k=rng.randint(4, 16))),
        black="".join(rng.choices(LETTERS, k=rng.randint(4, 16))),
        result=result,
        hour=rng.randint(0, 23),
        minute=rng.randint(0, 59),
        second=rng.randint(0, 59),
        white_elo=rng.randint(800, 2800),
        black_elo=rng.randint(800, 2800),
        eco=rng.randint(0, 99),
        termination=rng.choice(["Normal", "Normal", "Time forfeit"]),
    )


def _moves(san: list[str], rng: random.Random) -> Iterator[str]:
    clocks = [180, 180]
    for ply, move in enumerate(san):
        clocks[ply % 2] = max(clocks[ply % 2] - rng.randint(0, 4), 0)
        minutes, seconds = divmod(clocks[ply % 2], 60)
        number = f"{ply // 2 + 1}{'...' if ply % 2 else '.'}"
        yield f"{number} {move} {{ [%clk 0:{minutes:02}:{seconds:02}] }}"
