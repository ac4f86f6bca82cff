"""Folders that are filled from sources, stopped and gone on with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chess_engine
import pytest

from pawn_core.positions import PositionLibrary
from pawn_core.positions.sources import Making, Parcel, SourceConfig, source_named

GAMES, MOST_PLIES = 1200, 12


class Stopped(Exception):
    """What ends a making in its middle."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return those of a file of games, several parcels long."""
    path = tmp_path_factory.mktemp("games") / "games.txt"
    games = chess_engine.generate_random_games(GAMES, seed=1, max_ply=MOST_PLIES)
    moves = chess_engine.tokens_to_uci(games.tokens, games.lengths)
    path.write_text("\n".join(" ".join(ucis) for ucis in moves), encoding="utf-8")
    return {"file": str(path), "per_game": 2}


class StopsAfter:
    """A source that is stopped behind some parcels."""

    def __init__(self, source: Any, parcels: int) -> None:
        self._source, self._parcels = source, parcels
        self.versions = source.versions

    def parcels(self, place: Any = None) -> Iterator[Parcel]:
        for number, parcel in enumerate(self._source.parcels(place)):
            if number == self._parcels:
                raise Stopped
            yield parcel


def fill(
    folder: Path, settings: dict[str, Any], positions: int, stops_after: int | None = None
) -> tuple[dict[str, int], list[str]]:
    kind = source_named("uci")
    config: SourceConfig = kind.load().Config.model_validate(settings)
    source = kind.load()(kind.name, config)
    said: list[str] = []
    try:
        used: Any = source if stops_after is None else StopsAfter(source, stops_after)
        making = Making(used, config, positions, said.append, commit_every_s=0.0)
        return making.fill(folder, kind.tag, 0.2), said
    finally:
        source.close()


def content(folder: Path) -> tuple[list[str], list[str]]:
    library = PositionLibrary.open(folder)
    return library.train.columns.fens(), library.val.columns.fens()


def test_there_are_as_many_as_asked_for_and_the_same_command_adds_none(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    counts, _ = fill(tmp_path / "made", settings, 500)
    train, val = content(tmp_path / "made")
    assert counts["kept"] == len(train) + len(val) == 500
    assert counts["duplicate"] > 0
    fill(tmp_path / "made", settings, 500)
    assert content(tmp_path / "made") == (train, val)


def test_what_was_stopped_or_asked_for_in_parts_ends_as_if_made_at_once(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    counts, _ = fill(tmp_path / "at once", settings, 900)
    with pytest.raises(Stopped):
        fill(tmp_path / "stopped", settings, 900, stops_after=1)
    assert content(tmp_path / "stopped")[0]
    fill(tmp_path / "parts", settings, 200)
    for parts in ("stopped", "parts"):
        fill(tmp_path / parts, settings, 900)
        assert content(tmp_path / parts) == content(tmp_path / "at once"), parts
    assert counts["games read"] > 0


def test_other_settings_begin_anew_and_say_so(tmp_path: Path, settings: dict[str, Any]) -> None:
    fill(tmp_path / "made", settings, 300)
    _, said = fill(tmp_path / "made", settings | {"seed": 1}, 400)
    assert said[0] == "the settings are others than last time: the source begins anew"
    train, val = content(tmp_path / "made")
    assert len({*train, *val}) == 400


def test_a_source_that_has_fewer_gives_all_it_has(tmp_path: Path, settings: dict[str, Any]) -> None:
    some, _ = fill(tmp_path / "made", settings, 10_000)
    every, _ = fill(tmp_path / "all", settings, None)
    assert some == every
    assert some["games read"] == GAMES
    told = sum(n for reason, n in some.items() if reason != "games read")
    assert told == GAMES * 2
