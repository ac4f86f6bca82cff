"""Games of a parquet shard, whose moves are searchless tokens already.

The layout is that of the published data set `thomas-schweich/pawn-lichess-full`. Of its columns
`tokens` is needed; a filter needs the columns that it asks. Legality, the end by the rules and the
digests are the engine's.

Shapes: g games (rows), m moves of all games.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chess_engine
import numpy as np
from numpy.typing import NDArray

from pawn_core.config import ConfigError
from pawn_core.real_games.columns import Columns
from pawn_core.real_games.reading.filters import drop
from pawn_core.real_games.reading.parts import BATCH_GAMES, Part
from pawn_core.real_games.selection import Selection
from pawn_core.real_games.vocabularies import CACHED

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch
    from pyarrow.parquet import ParquetFile

_UNKNOWN = -1
_OUTCOMES = chess_engine.export_move_vocabulary(CACHED).outcomes
_BY_TERMINATION = {
    "Normal": {
        "1-0": "white_wins_by_resignation",
        "0-1": "black_wins_by_resignation",
        "1/2-1/2": "draw_by_agreement",
    },
    "Time forfeit": {
        "1-0": "white_wins_on_time",
        "0-1": "black_wins_on_time",
        "1/2-1/2": "draw_by_time",
    },
    "Insufficient material": {"1/2-1/2": "draw_by_rule"},
}
"""Outcomes of games that the rules did not end."""


def read_parquet(path: Path, selection: Selection, place: Any) -> Iterator[Part]:
    """Yield a shard's games from a row on; None: from its first.

    Raises:
        ConfigError: pyarrow is missing, the shard has no tokens, or lacks what a filter asks.
        OSError: the file cannot be read.
    """
    shard, rows = _open(path), place["rows"] if place else 0
    names = _columns_to_read(path, shard.schema_arrow.names, selection)
    report = Counter(place["report"] if place else {})
    for batch in _batches(shard, names, rows):
        rows += batch.num_rows
        games, further = _Rows(batch, selection).kept()
        report += further
        place = {"rows": rows, "report": dict(report)}
        yield Part(games, Counter(report), place, rows / shard.metadata.num_rows)


def _open(path: Path) -> "ParquetFile":
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ConfigError(
            f"pgn {str(path)!r} is a parquet shard, which pyarrow reads: pip install "
            "'pawn-lab[parquet]'"
        ) from None
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise OSError(f"{path}: {error}") from None


def _columns_to_read(path: Path, there: list[str], selection: Selection) -> list[str]:
    """Return the columns to read.

    Raises:
        ConfigError: one is missing that the tokens or a filter need.
    """
    needed = {"tokens": "tokens"}
    if selection.elo_min is not None or selection.elo_max is not None:
        needed |= {"white_elo": "elo_min and elo_max", "black_elo": "elo_min and elo_max"}
    if selection.time_control is not None:
        needed["time_control"] = "time_control"
    if selection.date_min is not None or selection.date_max is not None:
        needed["date"] = "date_min and date_max"
    if selection.no_bots:
        needed |= {"white_title": "no_bots", "black_title": "no_bots"}
    for name, asking in needed.items():
        if name not in there:
            raise ConfigError(
                f"pgn {str(path)!r} has no column {name!r}, which {asking} asks for; it has: "
                f"{', '.join(there)}"
            )
    used = ("white_elo", "black_elo", "game_length", "outcome_token", "result", "termination")
    return [*needed, *(name for name in used if name in there and name not in needed)]


def _batches(shard: "ParquetFile", names: list[str], rows: int) -> Iterator["RecordBatch"]:
    """Yield the rows from one on; row groups before it are not read."""
    groups, begin = range(shard.num_row_groups), 0
    for group in groups:
        end = begin + shard.metadata.row_group(group).num_rows
        if end > rows:
            break
        begin = end
    else:
        return
    for batch in shard.iter_batches(BATCH_GAMES, [*groups[group:]], names):
        begin += batch.num_rows
        if begin > rows:
            yield batch.slice(max(0, batch.num_rows - (begin - rows)))


class _Rows:
    """Some rows, and which of them are games to keep."""

    def __init__(self, batch: "RecordBatch", selection: Selection) -> None:
        self._batch, self._selection = batch, selection

    def kept(self) -> tuple[Columns, "Counter[str]"]:
        """Return the games to keep, and a report of the others by the first reason that applies."""
        report: Counter[str] = Counter(read=self._batch.num_rows)
        tokens_m, lengths_g = self._tokens()
        wanted_g = drop(report, self._reasons_by_columns(tokens_m, lengths_g), len(lengths_g))
        tokens_m = tokens_m[np.repeat(wanted_g, lengths_g)].astype(np.int16)
        games, cut_g, illegal_g = self._played(tokens_m, lengths_g[wanted_g], wanted_g)
        kept_g = drop(report, self._reasons_by_moves(games, illegal_g), len(games))
        report += Counter(kept=int(kept_g.sum()), cut=int((cut_g & kept_g).sum()))
        return games.take(kept_g), report

    def _played(
        self, tokens_m: NDArray[np.int16], lengths_g: NDArray[np.int64], wanted_g: NDArray[np.bool_]
    ) -> tuple[Columns, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the wanted games by the board, and which were cut or are not legal.

        A game whose moves go on behind its end by the rules ends there.
        """
        starts = np.append(0, np.cumsum(lengths_g))
        board = chess_engine.check_flat_games(tokens_m, starts, vocabulary=CACHED)
        over_g, wrong_g = board.outcomes >= 0, board.first_illegal >= 0
        legal_g = np.where(wrong_g & over_g, board.first_illegal, lengths_g).astype(np.int64)
        times_m = np.arange(len(tokens_m)) - np.repeat(starts[:-1], lengths_g)
        outcomes_g = np.where(over_g, board.outcomes, self._outcomes()[wanted_g])
        games = Columns(
            tokens_m[times_m < np.repeat(legal_g, lengths_g)],
            legal_g,
            outcomes_g.astype(np.int16),
            self._elos()[wanted_g].astype(np.int16),
            board.digests,
        )
        return games, wrong_g & over_g, wrong_g & ~over_g

    def _reasons_by_moves(
        self, games: Columns, illegal_g: NDArray[np.bool_]
    ) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        yield "illegal_move", illegal_g
        yield "too_short", games.lengths_g < self._selection.min_ply
        if self._selection.require_outcome:
            yield "no_outcome", games.outcomes_g < 0

    def _reasons_by_columns(
        self, tokens_m: NDArray[np.int64], lengths_g: NDArray[np.int64]
    ) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yield why games are dropped before their moves are played."""
        selection, elos_g2 = self._selection, self._elos()
        outside_m = (tokens_m < 0) | (tokens_m >= min(_OUTCOMES.values()) - 1)
        games_m = np.repeat(np.arange(len(lengths_g)), lengths_g)
        if selection.no_bots:
            titles = (self._texts("white_title"), self._texts("black_title"))
            yield "bot", (titles[0] == "BOT") | (titles[1] == "BOT")
        if selection.elo_min is not None or selection.elo_max is not None:
            lowest_g, highest_g = elos_g2.min(axis=1), elos_g2.max(axis=1)
            yield "elo_unknown", lowest_g < 0
            yield "elo", lowest_g < (selection.elo_min or 0)
            yield "elo", highest_g >= (selection.elo_max or np.inf)
        if selection.time_control is not None:
            controls = self._texts("time_control").tolist()
            yield (
                "time_control",
                ~chess_engine.match_time_controls(controls, selection.time_control),
            )
        if selection.date_min is not None or selection.date_max is not None:
            yield "date", ~self._dated()
        yield "empty", lengths_g == 0
        yield "too_long", self._whole_lengths(lengths_g) > selection.max_ply
        yield "malformed", self._whole_lengths(lengths_g) != lengths_g
        yield "illegal_move", np.bincount(games_m[outside_m], minlength=len(lengths_g)) > 0

    def _tokens(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the tokens of all rows and how many each has.

        `flatten`, other than `values`, minds that a batch may be a slice of a longer array.
        """
        tokens = self._batch.column("tokens")
        lengths_g = _integers(tokens.value_lengths())
        return _integers(tokens.flatten()), np.maximum(lengths_g, 0)

    def _whole_lengths(self, lengths_g: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many plies the games had, of which a row may have the first ones alone."""
        if "game_length" not in self._batch.schema.names:
            return lengths_g
        return _integers(self._batch.column("game_length"))

    def _elos(self) -> NDArray[np.int64]:
        names = ("white_elo", "black_elo")
        if not {*names} <= {*self._batch.schema.names}:
            return np.full((self._batch.num_rows, 2), _UNKNOWN)
        elos_g2 = np.column_stack([_integers(self._batch.column(name)) for name in names])
        return np.where((elos_g2 > 0) & (elos_g2 < 2**15), elos_g2, _UNKNOWN)

    def _outcomes(self) -> NDArray[np.int64]:
        """Return the outcome tokens by result and termination, or else by a column of theirs."""
        names = self._batch.schema.names
        if "result" in names and "termination" in names:
            pairs = zip(self._texts("termination"), self._texts("result"), strict=True)
            told = (_BY_TERMINATION.get(why, {}).get(result) for why, result in pairs)
            return np.array([_OUTCOMES[name] if name else _UNKNOWN for name in told], np.int64)
        if "outcome_token" not in names:
            return np.full(self._batch.num_rows, _UNKNOWN)
        tokens_g = _integers(self._batch.column("outcome_token"))
        return np.where(np.isin(tokens_g, list(_OUTCOMES.values())), tokens_g, _UNKNOWN)

    def _dated(self) -> NDArray[np.bool_]:
        """Return which games were played on a day that is asked for."""
        first, end = self._selection.date_min or "", self._selection.date_max or "~"
        days = map(_day, self._batch.column("date").to_pylist())
        return np.array([day is not None and first <= day < end for day in days], np.bool_)

    def _texts(self, name: str) -> NDArray[np.object_]:
        return np.array([text or "" for text in self._batch.column(name).to_pylist()], object)


def _day(value: Any) -> str | None:
    """Return a date as `YYYY-MM-DD`: of a date, a time, or text with dots or dashes."""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    text = str(value or "").replace(".", "-")[:10]
    return text if len(text) == 10 and "?" not in text else None


def _integers(array: "Array") -> NDArray[np.int64]:
    """Return integers, -1 for what is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.fill_null(pc.cast(array, pa.int64()), _UNKNOWN).to_numpy(zero_copy_only=False)
