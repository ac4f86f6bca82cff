"""Positions of games written as lines of UCI moves, such as `e2e4 e7e5 g1f3`.

The policy is the move that was played. Lines say no result: a value is given where the rules ended
the game.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import chess_engine
from chess_engine import UciGames

from pawn_core.config import ConfigError
from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.files import FileSource
from pawn_core.positions.sources.pgn import RecordedGamesConfig, labelled_game, result_of
from pawn_core.positions.sources.source import Parcel, SourceConfig

_GAMES_AT_ONCE = 512
_VOCABULARY = chess_engine.export_move_vocabulary("searchless")


class UciLines(FileSource):
    """Positions of a file with one game a line."""

    Config: ClassVar[type[SourceConfig]] = RecordedGamesConfig

    def parcels(self, place: Any = None) -> Iterator[Parcel]:
        """Yield the positions of some games at a time; games before the place are passed over."""
        done = place or 0
        before: Counter[str] = Counter()
        try:
            for games in chess_engine.UciReader(
                self.path, batch_size=_GAMES_AT_ONCE, castling="king_takes_rook"
            ):
                report = Counter(games.report)
                counts, before = report - before, report
                if report["read"] > done:
                    positions = list(self._positions(games, done))
                    yield Parcel(positions, report["read"], _named(counts))
        except OSError as error:
            raise ConfigError(f"file {str(self.path)!r} cannot be read: {error}") from None

    def _positions(self, games: UciGames, done: int) -> Iterator[LabelledPosition]:
        rows = zip(games.tokens, games.lengths.tolist(), games.outcomes.tolist(), strict=True)
        for (tokens_t, length, outcome), number in zip(rows, games.numbers.tolist(), strict=True):
            if number >= done:
                ucis = [_VOCABULARY.moves[token] for token in tokens_t[:length].tolist()]
                yield from labelled_game(ucis, result_of(outcome), self.config)


def _named(counts: "Counter[str]") -> "Counter[str]":
    return Counter(
        {"games read" if n == "read" else n: count for n, count in counts.items() if n != "kept"}
    )
