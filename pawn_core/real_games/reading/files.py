"""Games of several files, one after the other, from where an earlier reading has come to."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pawn_core.config import ConfigError
from pawn_core.real_games.reading.parquet import read_parquet
from pawn_core.real_games.reading.parts import Part
from pawn_core.real_games.reading.pgn import read_pgn
from pawn_core.real_games.selection import Selection
from pawn_core.real_games.sources import GameFile, is_parquet


def read_files(files: tuple[GameFile, ...], selection: Selection, place: Any) -> Iterator[Part]:
    """Yield the games of files from a place on; None: from the first file's beginning.

    Raises:
        ConfigError: a file cannot be read, or cannot be had.
    """
    first, within = (place["file"], place["within"]) if place else (0, None)
    before, report = (Counter(place[name] if place else {}) for name in ("before", "report"))
    for number in range(first, len(files)):
        for part in _read_file(files[number], selection, within):
            report = part.report
            here = {
                "file": number,
                "within": part.place,
                "before": dict(before),
                "report": dict(report),
            }
            share = None if part.share is None else (number + part.share) / len(files)
            yield Part(part.games, before + report, here, share)
        before, report, within = before + report, Counter(), None


def _read_file(file: GameFile, selection: Selection, place: Any) -> Iterator[Part]:
    read = read_parquet if is_parquet(file.name) else read_pgn
    path = file.fetch()
    try:
        yield from read(path, selection, place)
    except OSError as error:
        raise ConfigError(f"pgn {str(path)!r} cannot be read: {error}") from None
