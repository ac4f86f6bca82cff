"""The games of a match as PGN, on the disk as soon as their pair is over. Never imports torch."""

import os
import textwrap
from pathlib import Path
from typing import NamedTuple

import chess_engine
import numpy as np
from chess_engine import Vocabulary
from numpy.typing import NDArray

from pawn_core.durable import make_directory, replace_file
from pawn_core.evaluation.generated.sampled_games import ENDINGS, ILLEGAL, SampledGames

_COLUMNS = 79  # PGN export format, 4.3
_RESULTS = {1.0: "1-0", 0.5: "1/2-1/2", 0.0: "0-1"}


class Tags(NamedTuple):
    """What the games of a match have in common."""

    event: str
    players: tuple[str, str]
    """The first has White in the first game of each pair."""
    opening_plies: int


def pgn_of(
    games: SampledGames,
    scores_b: NDArray[np.float64],
    first_pair: int,
    tags: Tags,
    vocabulary: Vocabulary,
) -> str:
    """Return games as PGN, the two of each pair one after the other; scores are White's."""
    sans = chess_engine.tokens_to_san(games.tokens_bp, games.lengths_b, vocabulary=vocabulary.name)
    texts = []
    for game, moves in enumerate(sans):
        result = _RESULTS[float(scores_b[game])]
        ending, refused = int(games.endings_b[game]), int(games.refused_b[game])
        headers = _headers(tags, game, first_pair) | {
            "Result": result,
            "PlyCount": str(len(moves)),
            "Termination": "rules infraction" if ending >= ILLEGAL else "normal",
            "Ending": ENDINGS[ending],
        }
        refusal = vocabulary.moves[refused] if refused >= 0 else ""
        comment = [f"{{refused: {refusal or 'no move'}}}"] if ending >= ILLEGAL else []
        texts.append(_text(headers, [*_numbered(moves), *comment, result]))
    return "".join(texts)


def _headers(tags: Tags, game: int, first_pair: int) -> dict[str, str]:
    white, black = tags.players if game % 2 == 0 else tags.players[::-1]
    return {
        "Event": tags.event,
        "Site": "?",
        "Date": "????.??.??",
        "Round": f"{first_pair + game // 2 + 1}.{game % 2 + 1}",
        "White": white,
        "Black": black,
        "OpeningPlies": str(tags.opening_plies),
    }


def append(path: Path, text: str) -> None:
    """Add games to a file and force them to the disk."""
    with path.open("ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def begin(path: Path, text: str) -> None:
    """Write a file of the games so far in one step, whatever was there."""
    make_directory(path.parent)
    replace_file(path, text.encode())


def _text(headers: dict[str, str], words: list[str]) -> str:
    lines = [f'[{name} "{_quoted(value)}"]' for name, value in headers.items()]
    moves = textwrap.fill(" ".join(words), _COLUMNS, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + f"\n\n{moves}\n\n"


def _quoted(value: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in value)
    return printable.replace("\\", "\\\\").replace('"', '\\"')


def _numbered(moves: list[str]) -> list[str]:
    return [f"{ply // 2 + 1}. {move}" if ply % 2 == 0 else move for ply, move in enumerate(moves)]
