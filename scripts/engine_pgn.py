"""Games of chess programs as PGN, laid out as the files of the Lichess database are."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import chess_engine
from engine_games import Ending, EngineGame

_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 60
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def text_of(game: EngineGame, ending: Ending) -> str:
    """Return a game with its tags, clocks and result."""
    tags = "".join(f'[{name} "{value}"]\n' for name, value in _tags(game, ending).items())
    return f"{tags}\n{' '.join([*_moves(game), ending.result])}\n\n\n"


def _tags(game: EngineGame, ending: Ending) -> dict[str, str]:
    white, black = game.sides
    begin = _FIRST_DAY + timedelta(seconds=game.rng.randrange(_DAYS * 24 * 3600))
    titles = {
        f"{colour}Title": "BOT" for colour, side in (("White", white), ("Black", black)) if side.bot
    }
    return {
        "Event": f"Rated {game.time_control.speed} game",
        "Site": f"https://example.org/{_id(game.rng)}",
        "Date": f"{begin:%Y.%m.%d}",
        "Round": "-",
        "White": white.name,
        "Black": black.name,
        "Result": ending.result,
        "UTCDate": f"{begin:%Y.%m.%d}",
        "UTCTime": f"{begin:%H:%M:%S}",
        "WhiteElo": str(white.elo),
        "BlackElo": str(black.elo),
        **titles,
        "ECO": "?",
        "Opening": "?",
        "TimeControl": str(game.time_control),
        "Termination": ending.termination,
    }


def _id(rng: random.Random) -> str:
    return "".join(rng.choices(_ID_LETTERS, k=8))


def _moves(game: EngineGame) -> Iterator[str]:
    (sans,) = chess_engine.tokens_to_san(game.tokens_p[None], threads=1)
    for ply, (san, clock_s) in enumerate(zip(sans, game.clocks_s, strict=True)):
        minutes, seconds = divmod(int(clock_s), 60)
        number = f"{ply // 2 + 1}{'...' if ply % 2 else '.'}"
        yield f"{number} {san} {{ [%clk {minutes // 60}:{minutes % 60:02}:{seconds:02}] }}"
