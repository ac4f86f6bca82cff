"""Games that people or engines played: selected from files, cached as tokens, memory-mapped."""

from pawn_core.real_games.cached_games import CachedGames, Games, RealGames
from pawn_core.real_games.opening import open_games
from pawn_core.real_games.selection import Selection, training_selection

__all__ = [
    "CachedGames",
    "Games",
    "RealGames",
    "Selection",
    "open_games",
    "training_selection",
]
