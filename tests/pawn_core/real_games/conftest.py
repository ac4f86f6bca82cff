"""Games in files, and what opens them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from written_games import write_pgn, written_games

from pawn_core.real_games import CachedGames, Selection, open_games
from pawn_core.real_games.games_cache import VARIABLE
from pawn_core.signals import StopFlag


@pytest.fixture
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of this test's caches."""
    root = tmp_path / "cache"
    monkeypatch.setenv(VARIABLE, str(root))
    return root


@pytest.fixture
def pgn(tmp_path: Path) -> Path:
    """Return a file of 60 games."""
    return write_pgn(tmp_path / "games.pgn", written_games(60))


@pytest.fixture
def said() -> list[str]:
    """Return what was said while games were opened."""
    return []


@pytest.fixture
def opened(cache_root: Path, said: list[str]) -> Callable[..., CachedGames]:
    """Return a function that opens games: `opened(path, max_games=40, ...)`."""

    def open_them(pgn: str | Path, *, vocabulary: str = "searchless", **fields) -> CachedGames:
        selection = Selection(str(pgn), **{"max_ply": 512} | fields)
        return open_games(selection, stop=StopFlag(), say=said.append, vocabulary=vocabulary)

    return open_them
