"""Games as PGN text, in the manner of Lichess: random moves, ended by the players."""

import random
from collections.abc import Iterable
from pathlib import Path

import chess_engine

TAGS = {
    "Event": "Rated Rapid game",
    "WhiteElo": "1850",
    "BlackElo": "1820",
    "TimeControl": "300+3",
    "UTCDate": "2024.01.31",
    "Termination": "Normal",
}


def written_games(
    count: int, *, seed: int = 1, first: int = 0, plies: tuple[int, int] = (12, 60), **tags: str
) -> list[str]:
    """Return games `first ..` of a seed, each other; `tags` beside and instead of `TAGS`."""
    most = plies[1]
    played = chess_engine.generate_random_games(count, seed=seed, first_game=first, max_ply=most)
    rngs = [random.Random(f"{seed} {first + i}") for i in range(count)]
    lengths = played.lengths.clip(max=[rng.randint(*plies) for rng in rngs]).astype("int32")
    sans = chess_engine.tokens_to_san(played.tokens, lengths)
    results = [tags.get("Result", rng.choice(["1-0", "0-1", "1/2-1/2"])) for rng in rngs]
    return [
        written_game(san, TAGS | tags | {"Result": result})
        for san, result in zip(sans, results, strict=True)
    ]


def written_game(san: Iterable[str], tags: dict[str, str]) -> str:
    """Return one game."""
    lines = [f'[{name} "{value}"]' for name, value in tags.items()]
    numbered = [f"{1 + ply // 2}. {move}" if ply % 2 == 0 else move for ply, move in enumerate(san)]
    return "\n".join([*lines, "", " ".join([*numbered, tags["Result"]]), ""])


def write_pgn(path: Path, games: Iterable[str]) -> Path:
    """Write games to a file."""
    path.write_text("\n".join(games), encoding="utf-8")
    return path
