"""Fill a folder with the positions of a source, from where an earlier making has come to."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import chess_engine

from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.source import Parcel, PositionSource, SourceConfig
from pawn_core.positions.writer import ShardWriter
from pawn_core.real_games.progress import Seldom


class Making:
    """The positions of one source on their way into a folder.

    Args:
        source: makes them.
        config: its settings; where they are others than those of the last making, the source
            begins anew, and what is there already is dropped as a duplicate.
        positions: so many are kept in all, those of earlier makings among them; None: all.
        say: told every few seconds how far it is.
        commit_every_s: so much of the work is lost at most where the process is killed.
    """

    def __init__(
        self,
        source: PositionSource,
        config: SourceConfig,
        positions: int | None,
        say: Callable[[str], None],
        commit_every_s: float = 30.0,
    ) -> None:
        self._source, self._positions, self._commit_every_s = source, positions, commit_every_s
        self._say = say
        self._seldom = Seldom(say)
        self._settings = config.lasting() | source.versions

    def fill(self, folder: Path, tag: str, val_share: float) -> dict[str, int]:
        """Add what is missing; return how many positions are kept, and were dropped by reason.

        Raises:
            ConfigError: as of the writer.
        """
        made_by = {"source": self._settings, "engine": chess_engine.SOURCE_DIGEST}
        with ShardWriter(folder, tag, made_by, val_share) as writer:
            self._begun, self._before = time.monotonic(), writer.positions
            self._fill(writer)
            return dict(writer.counts)

    def _fill(self, writer: ShardWriter) -> None:
        place = self._place(writer)
        committed = time.monotonic()
        if not self._room(writer):
            return
        for parcel in self._source.parcels(place):
            if self._add(writer, parcel.positions):
                place = parcel.place
                writer.counts.update(parcel.counts)
            self._tell(writer.positions, parcel)
            if not self._room(writer):
                break
            if time.monotonic() - committed >= self._commit_every_s:
                writer.commit(self._marked(place))
                committed = time.monotonic()
        writer.commit(self._marked(place))

    def _place(self, writer: ShardWriter) -> Any:
        """Return where to go on; None: from the beginning."""
        if not writer.place:
            return None
        if writer.place["settings"] != self._settings:
            self._say("the settings are others than last time: the source begins anew")
            return None
        return writer.place["at"]

    def _marked(self, place: Any) -> dict[str, Any]:
        return {"settings": self._settings, "at": place}

    def _room(self, writer: ShardWriter) -> bool:
        return self._positions is None or writer.positions < self._positions

    def _add(self, writer: ShardWriter, positions: list[LabelledPosition]) -> bool:
        """Add as many as there is room for, duplicates aside; return whether all were added."""
        while positions and self._room(writer):
            room = len(positions) if self._positions is None else self._positions - writer.positions
            for position in positions[:room]:
                writer.add(position)
            positions = positions[room:]
        return not positions

    def _tell(self, kept: int, parcel: Parcel) -> None:
        seconds, made = time.monotonic() - self._begun, kept - self._before
        line = f"{kept:,} positions"
        if self._positions is not None:
            line = f"{kept:,} of {self._positions:,} positions"
        if made:
            line += f", {made / seconds:,.1f} a second"
        if made and self._positions is not None:
            left_s = seconds * (self._positions - kept) / made
            line += f", {timedelta(seconds=round(left_s))} left"
        elif parcel.share is not None:
            line += f", {parcel.share:.0%} read"
        self._seldom.say(line)
