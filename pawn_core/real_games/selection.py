"""Which real games are wanted, whatever machine they are read on."""

import functools
import json
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import chess_engine

from pawn_core.config.adapter import AdapterConfig
from pawn_core.config.real_games import RealGamesConfig

FORMAT = 1
"""Of the files of a cache."""
_READING = Path(__file__).with_name("reading")


@dataclass(frozen=True)
class Selection:
    """The first games of a source that pass the filters, and those held out from training."""

    pgn: str
    """A file, a folder or `owner/name` of a data set on the hub, `owner/name@revision` as well."""
    max_ply: int
    """Longer games are dropped."""
    max_games: int | None = None
    """Games to train on at most; None: all."""
    val_games: int = 0
    """Games to hold out at most."""
    val_pgn: str | None = None
    """Another source, of the games to hold out."""
    min_ply: int = 1
    """Shorter games are dropped."""
    elo_min: int | None = None
    elo_max: int | None = None
    """Both players within [elo_min, elo_max)."""
    time_control: str | None = None
    """Names of speeds, `blitz,rapid`, or one exact control, `300+3`."""
    date_min: str | None = None
    date_max: str | None = None
    """`YYYY-MM-DD`, days within [date_min, date_max)."""
    no_bots: bool = False
    require_outcome: bool = True
    """Whether games without an outcome token are dropped."""
    held_out: bool = False
    """Whether a source that has splits is read for its test games, else its validation games."""
    without: "tuple[Selection, ...]" = ()
    """Games of these selections, those held out among them, are dropped as `trained_on`."""

    @classmethod
    def of(cls, config: RealGamesConfig, **further: Any) -> Self:
        """Return the selection of a config's source and filters, and of what else is said."""
        shared = {name: getattr(config, name) for name in RealGamesConfig.model_fields}
        return cls(**shared, **further)

    def at(self, revision: str | None, val_revision: str | None) -> Self:
        """Return the same selection of data sets at these commits; None where there is no hub."""
        val_pgn = self.val_pgn and at_commit(self.val_pgn, val_revision)
        return replace(self, pgn=at_commit(self.pgn, revision), val_pgn=val_pgn)

    def filters(self) -> dict[str, Any]:
        """Return what decides, beside the sources, which games come of it."""
        elsewhere = {"pgn", "val_pgn", "without"}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in elsewhere}


def at_commit(named: str, revision: str | None) -> str:
    """Return the name of a data set of the hub at a commit; None: a source that has none."""
    return f"{named.partition('@')[0]}@{revision}" if revision else named


def training_selection(
    config: AdapterConfig, max_seq_len: int, *, prepend_outcome: bool
) -> Selection:
    """Return the games that a run trains and validates on: those that fit and teach something.

    A game's last move is no input of the model, and its first is predicted behind an outcome only.
    """
    unpredicted = int(not prepend_outcome)
    return Selection.of(
        config,
        max_ply=max_seq_len + unpredicted,
        max_games=config.max_games,
        val_games=config.val_games,
        val_pgn=config.val_pgn,
        min_ply=max(config.min_ply, 1 + unpredicted),
    )


def key_of(facts: dict[str, Any]) -> str:
    """Return the name of the cache of such games: 32 hexadecimal digits."""
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


@functools.cache
def reader_version() -> str:
    """Return a digest of what reads games: the engine's sources and the modules in `reading/`."""
    digest = sha256(chess_engine.SOURCE_DIGEST.encode())
    for module in sorted(_READING.glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()
