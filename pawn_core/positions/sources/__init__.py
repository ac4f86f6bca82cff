"""Where labelled positions are from: one file and one entry of `SOURCES` for each source."""

from pawn_core.positions.sources.making import Making
from pawn_core.positions.sources.registry import SOURCES, SourceKind, source_named
from pawn_core.positions.sources.source import Parcel, PositionSource, SourceConfig

__all__ = [
    "SOURCES",
    "Making",
    "Parcel",
    "PositionSource",
    "SourceConfig",
    "SourceKind",
    "source_named",
]
