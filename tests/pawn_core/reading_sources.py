"""Sources of positions that are read to their end."""

from collections import Counter
from pathlib import Path
from typing import Any

from pawn_core.positions import LabelledPosition
from pawn_core.positions.sources import PositionSource


def positions_of(
    source: type[PositionSource], path: Path, text: str | bytes, **settings: Any
) -> tuple[list[LabelledPosition], "Counter[str]"]:
    """Write a file and read it as a source; return all its positions, and what was not taken."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    config = source.Config.model_validate({"file": str(path), **settings})
    positions: list[LabelledPosition] = []
    counts: Counter[str] = Counter()
    for parcel in source("source", config).parcels():
        positions += parcel.positions
        counts += parcel.counts
    return positions, counts
