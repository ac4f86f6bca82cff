"""Positions of games in PGN: the policy is the move that was played, the value how the game ended.

The result is that of the side to move, whoever that is. A game without one has no value.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import chess_engine
from chess_engine import FlatGames
from pydantic import Field

from pawn_core.config import ConfigError
from pawn_core.config.types import Seed
from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.files import FileConfig, FileSource
from pawn_core.positions.sources.game_positions import positions_of_game
from pawn_core.positions.sources.source import Parcel, SourceConfig
from pawn_core.positions.values import for_side_to_move

_GAMES_AT_ONCE = 512
_VOCABULARY = chess_engine.export_move_vocabulary("searchless")
_WHITE_WINS, _BLACK_WINS = "white_", "black_"
_BY_TIME = frozenset({"white_wins_on_time", "black_wins_on_time", "draw_by_time"})
_RESULTS = {
    token: 1.0 if name.startswith(_WHITE_WINS) else -1.0 if name.startswith(_BLACK_WINS) else 0.0
    for name, token in _VOCABULARY.outcomes.items()
}
"""White's, by outcome token."""
_TIME_TOKENS = frozenset(_VOCABULARY.outcomes[name] for name in _BY_TIME)


class RecordedGamesConfig(FileConfig):
    """Which positions of games are taken."""

    per_game: Annotated[
        int | None, Field(ge=1, le=10_000, description="positions of a game at most")
    ] = 16
    first_ply: Annotated[
        int, Field(ge=0, le=10_000, description="moves made before the first position taken")
    ] = 0
    seed: Annotated[Seed, Field(description="of which positions of a game are taken")] = 0


class PgnConfig(RecordedGamesConfig):
    """Which games of a PGN file are taken."""

    elo_min: Annotated[
        int | None, Field(ge=0, le=4000, description="of both players; Matrix0 took 2200")
    ] = None
    elo_max: Annotated[
        int | None, Field(ge=1, le=4001, description="both players are below it")
    ] = None
    time_control: Annotated[
        str | None, Field(description="names of speeds, blitz,rapid, or one control, 300+3")
    ] = None
    no_bots: Annotated[bool, Field(description="drop games of programs")] = False
    no_time_forfeits: Annotated[bool, Field(description="drop games that time ended")] = False


class Pgn(FileSource):
    """Positions of a PGN file."""

    Config: ClassVar[type[SourceConfig]] = PgnConfig

    def parcels(self, place: Any = None) -> Iterator[Parcel]:
        """Yield the positions of some games at a time, from a game on."""
        before: Counter[str] = Counter(place["report"] if place else {})
        size = max(self.path.stat().st_size, 1)
        try:
            for games in self._reader(place):
                report = Counter(games.report)
                positions, timed_out = self._positions(games)
                counts = _dropped(report) - _dropped(before)
                counts["time_forfeit"] += timed_out
                here = {"reader": games.place, "report": dict(report)}
                yield Parcel(positions, here, counts, min(games.bytes_read / size, 1.0))
                before = report
        except OSError as error:
            raise ConfigError(f"file {str(self.path)!r} cannot be read: {error}") from None

    def _reader(self, place: Any) -> chess_engine.GameReader:
        config = self.config
        try:
            return chess_engine.GameReader(
                self.path,
                batch_size=_GAMES_AT_ONCE,
                min_ply=config.first_ply + 1,
                elo_min=config.elo_min,
                elo_max=config.elo_max,
                time_control=config.time_control,
                drop_bots=config.no_bots,
                require_outcome=False,
                start=place["reader"] if place else None,
            )
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def _positions(self, games: FlatGames) -> tuple[list[LabelledPosition], int]:
        """Return positions of games, and how many games were dropped as time ended them."""
        positions: list[LabelledPosition] = []
        timed_out = 0
        ends, outcomes = games.offsets.tolist(), games.outcomes.tolist()
        for begin, end, outcome in zip(ends, ends[1:], outcomes, strict=False):
            if self.config.no_time_forfeits and outcome in _TIME_TOKENS:
                timed_out += 1
                continue
            ucis = [_VOCABULARY.moves[token] for token in games.tokens[begin:end].tolist()]
            positions += labelled_game(ucis, result_of(outcome), self.config)
        return positions, timed_out


def result_of(outcome: int) -> float | None:
    """Return White's result of an outcome token; None where there is none."""
    return _RESULTS.get(outcome)


def labelled_game(
    ucis: list[str], white_result: float | None, config: RecordedGamesConfig
) -> Iterator[LabelledPosition]:
    """Yield positions of a game with the move played and the result for the side to move.

    Args:
        white_result: 1, 0 or -1; None: not known.
    """
    game = " ".join(ucis)
    played = positions_of_game(
        ucis, first_ply=config.first_ply, most=config.per_game, seed=config.seed
    )
    for fen, uci in played:
        value = None if white_result is None else for_side_to_move(white_result, fen)
        yield LabelledPosition(fen, game, {uci: 1.0}, value)


def _dropped(report: "Counter[str]") -> "Counter[str]":
    """Return what became of games, by reason; `games read` for those that were read."""
    names = {"read": "games read"}
    return Counter({names.get(name, name): n for name, n in report.items() if name != "kept"})
