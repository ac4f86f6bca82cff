"""The real games that a trial will read: those of one before it with the same selection."""

from pawn_core.config import RunConfig
from pawn_lab.configs import StoredConfig
from pawn_lab.records import Games
from pawn_lab.store import Transaction, trials


def foreseen(tx: Transaction, config: RunConfig) -> StoredConfig:
    """Return a config as it would be stored, as long as the games make it that are known."""
    stored = StoredConfig.of(config)
    games = read_alike(tx, stored)
    return stored if games is None else StoredConfig(stored, games.train)


def read_alike(tx: Transaction, config: StoredConfig) -> Games | None:
    """Return which games the newest trial has read that selects them as a config does."""
    kind = config.kind
    if not kind.reads_games():
        return None
    names = ["run_type", *sorted(kind.measured_on)]
    selection = [config.get(name) for name in names]
    alike = (
        row for row in trials.latest_on_games(tx) if selection == list(map(row.config.get, names))
    )
    return next((row.games for row in alike), None)
