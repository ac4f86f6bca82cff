"""Open the games of a selection: from their cache, which is built where it is not there yet."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pawn_core.config import ConfigError
from pawn_core.config.real_games import RealGamesConfig
from pawn_core.real_games.build import Streams, build
from pawn_core.real_games.cached_games import CachedGames, Games
from pawn_core.real_games.games_cache import CacheState, DamagedCacheError, GamesCache, cache_errors
from pawn_core.real_games.hub import hub_source
from pawn_core.real_games.progress import Seldom
from pawn_core.real_games.selection import FORMAT, Selection, key_of, reader_version
from pawn_core.real_games.sources import (
    TEST,
    TRAIN,
    VALIDATION,
    GameFile,
    GamesSource,
    Splits,
    local_source,
)
from pawn_core.real_games.vocabularies import CACHED
from pawn_core.signals import StopFlag

_FILTERS = frozenset(RealGamesConfig.model_fields) - {"pgn"} | {"min_ply", "max_ply"}
"""What of a selection may leave no game."""


def open_games(
    selection: Selection,
    *,
    stop: StopFlag,
    say: Callable[[str], None],
    vocabulary: str = CACHED,
    verify: bool = True,
) -> CachedGames:
    """Return a selection's games; the first process to ask reads them, others wait for it.

    Args:
        say: told every few seconds how reading or waiting goes.
        verify: compare a complete cache with its checksums; one process of a run is enough.

    Raises:
        ConfigError: a source cannot be had or read, too few games pass the filters, or the cache
            cannot be written.
        Interrupted: the run was asked to stop; what has been read stays for the next time.
    """
    _check(selection)
    opening = _Opening(selection, say)
    cache = GamesCache(opening.key)
    with cache_errors(cache), cache.locked(stop, say):
        state = _checked(cache, verify, stop, say)
        if state is None or not state.complete:
            excluded_g = _excluded(selection, stop, say)
            state = state or CacheState(opening.facts)
            behind = f", behind {state.games:,} games of before" if state.games else ""
            say(f"real games: reading {selection.pgn} into {cache.folder}{behind}")
            build(cache, state, opening.streams(), selection, excluded_g, stop, say)
            opening.check_unchanged(cache)
        _check_enough(selection, state)
        say(f"real games: {_summary(state.counts)}")
        return _mapped(cache, state, opening, vocabulary)


def _check(selection: Selection) -> None:
    if selection.min_ply > selection.max_ply:
        raise ConfigError(
            f"min_ply {selection.min_ply} leaves no game: the model's context holds games of "
            f"{selection.max_ply} plies at most"
        )


class _Opening:
    """A selection with its sources as they are now."""

    def __init__(self, selection: Selection, say: Callable[[str], None]) -> None:
        self._selection, self.filters = selection, selection.filters()
        self._source = _found(selection.pgn, say)
        self._val_source = _found(selection.val_pgn, say) if selection.val_pgn else None
        self._without = [_Opening(other, say).key for other in selection.without]
        self.facts = self._facts()
        self.key = key_of(self.facts)

    @property
    def source_facts(self) -> dict[str, Any]:
        """Return name and revision of each source."""
        facts: dict[str, Any] = {
            "source": self._selection.pgn,
            "revision": self._source.revision,
        }
        if self._val_source is not None:
            facts["val_source"] = self._selection.val_pgn
            facts["val_revision"] = self._val_source.revision
        return facts

    def streams(self) -> Streams:
        """Return the files to read; of a source without splits of its own, one stream.

        Raises:
            ConfigError: a source has no files for the purpose.
        """
        selection = self._selection
        splits = self._source.splits()
        if selection.held_out:
            return (_any_of(splits, selection.pgn, TEST, VALIDATION, TRAIN),)
        train = _any_of(splits, selection.pgn, TRAIN)
        if self._val_source is not None:
            val_splits = self._val_source.splits()
            assert selection.val_pgn is not None
            return train, _any_of(val_splits, selection.val_pgn, VALIDATION, TRAIN, TEST)
        if selection.val_games and VALIDATION in splits:
            return train, splits[VALIDATION]
        return (train,)

    def check_unchanged(self, cache: GamesCache) -> None:
        """Refuse games of files that have changed while they were read."""
        if self._facts() != self.facts:
            cache.clear()
            raise ConfigError(
                f"pgn {self._selection.pgn!r} has changed while it was read; try again"
            )

    def _facts(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "reader": reader_version(),
            "source": self._source.facts,
            "val_source": self._val_source.facts if self._val_source else None,
            "filters": self.filters,
            "without": self._without,
        }


def _found(named: str, say: Callable[[str], None]) -> GamesSource:
    return local_source(named) or hub_source(named, say)


def _any_of(splits: Splits, named: str, *names: str) -> tuple[GameFile, ...]:
    """Return the files of the first of some splits that there is."""
    for name in names:
        if name in splits:
            return splits[name]
    raise ConfigError(f"pgn {named!r} has no {names[0]} split; it has: {', '.join(splits)}")


def _checked(
    cache: GamesCache, verify: bool, stop: StopFlag, say: Callable[[str], None]
) -> CacheState | None:
    """Return what a cache holds; nothing, and an empty one, where it is damaged."""
    try:
        state = cache.state()
        if state is not None and (verify or not state.complete):
            seldom = Seldom(say)
            for games in cache.verify(state):
                stop.check()
                seldom.say(f"real games: {games:,} of {state.games:,} in the cache verified")
        return state
    except DamagedCacheError as error:
        say(f"real games: the cache is damaged and is made anew: {error}")
        cache.clear()
        return None


def _excluded(
    selection: Selection, stop: StopFlag, say: Callable[[str], None]
) -> NDArray[np.uint64]:
    """Return the digests of the games to leave out, ascending."""
    digests = [np.empty(0, np.uint64)]
    for other in selection.without:
        games = open_games(other, stop=stop, say=say)
        digests += [games.train.digests_g, games.val.digests_g]
    return np.unique(np.concatenate(digests))


def _check_enough(selection: Selection, state: CacheState) -> None:
    counts = state.counts
    if counts["train"] == 0:
        missing = "train on" if selection.val_games else "use"
    elif counts["val"] == 0 and selection.val_games:
        missing = "validate on"
    else:
        return
    raise ConfigError(f"pgn {selection.pgn!r} has no game to {missing}: {_why(selection, counts)}")


def _why(selection: Selection, counts: dict[str, Any]) -> str:
    """Say where the games of a source went."""
    asked = {n: value for n, value in selection.filters().items() if n in _FILTERS and value}
    filters = ", ".join(f"{name} {value}" for name, value in asked.items())
    usable = f"of {counts['read']:,} games {counts['kept']:,} may be used"
    if selection.val_games and counts["kept"]:
        usable += f", of which val_games {selection.val_games} are held out"
    if counts["in_training"]:
        usable += f", {counts['in_training']:,} not for validation: their moves are in training"
    return f"{usable}; dropped: {_dropped(counts)}; asked for: {filters}"


def _summary(counts: dict[str, Any]) -> str:
    used = f"{counts['train']:,} to train on, {counts['val']:,} held out"
    return f"{counts['read']:,} games read, {used}; dropped: {_dropped(counts)}"


def _dropped(counts: dict[str, Any]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in counts["dropped"].items()) or "none"


def _mapped(
    cache: GamesCache, state: CacheState, opening: _Opening, vocabulary: str
) -> CachedGames:
    columns = cache.map_columns(state.games, state.moves)
    return CachedGames(
        Games(columns, range(state.train_games), vocabulary),
        Games(columns, cache.held_out(), vocabulary),
        state.counts,
        opening.source_facts,
        opening.filters,
        opening.key,
    )
