"""Every source of positions: one entry each."""

from pkgutil import resolve_name
from typing import NamedTuple

from pawn_core.config.errors import entry_named
from pawn_core.positions.sources.domains import DOMAINS
from pawn_core.positions.sources.source import PositionSource
from pawn_core.positions.sources.stockfish import PREFIX

_STOCKFISH = "pawn_core.positions.sources.stockfish:Stockfish"


class SourceKind(NamedTuple):
    """A source of positions."""

    name: str
    implementation: str
    """Import path (`module:Class`) of a `PositionSource`."""
    about: str
    tag: str
    """What its positions are marked with."""

    def load(self) -> type[PositionSource]:
        """Return what makes its positions."""
        return resolve_name(self.implementation)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0].removesuffix(".")


SOURCES: tuple[SourceKind, ...] = (
    *(
        SourceKind(PREFIX + d.name, _STOCKFISH, _first_line(d.takes.__doc__), PREFIX + d.name)
        for d in DOMAINS
    ),
    SourceKind(
        "random",
        "pawn_core.positions.sources.random_games:RandomGames",
        "Positions of random games, one of each",
        "external:random",
    ),
    SourceKind(
        "teacher",
        "pawn_core.evaluation.teacher:Teacher",
        "Positions in which a model that plays itself goes wrong",
        "teacher",
    ),
    SourceKind(
        "pgn",
        "pawn_core.positions.sources.pgn:Pgn",
        "Games in PGN: the move played, the result for the side to move",
        "external:pgn",
    ),
    SourceKind(
        "puzzles",
        "pawn_core.positions.sources.puzzles:Puzzles",
        "Puzzles of Lichess (CSV): the solver's positions and moves",
        "external:puzzles",
    ),
    SourceKind(
        "uci",
        "pawn_core.positions.sources.uci_lines:UciLines",
        "Games as lines of UCI moves: the move played",
        "external:uci",
    ),
    SourceKind(
        "evaluations",
        "pawn_core.positions.sources.evaluations:Evaluations",
        "Analysed positions of Lichess (JSON lines): every move's evaluation",
        "external:evaluations",
    ),
    SourceKind(
        "fen",
        "pawn_core.positions.sources.fen_csv:FenCsv",
        "A CSV file of positions: best moves, evaluations or winning chances",
        "external:fen",
    ),
)


def source_named(name: object) -> SourceKind:
    """Return the source of that name.

    Raises:
        ConfigError: there is none; lists those there are.
    """
    return entry_named("source", name, SOURCES)
