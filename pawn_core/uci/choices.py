"""A move and why it was chosen; the moves that no model chooses. No torch."""

import random
from typing import NamedTuple

from pawn_core.uci.game_positions import GamePosition
from pawn_core.uci.play_settings import PlaySettings


class Choice(NamedTuple):
    """A move."""

    uci: str
    policy: tuple[tuple[str, float], ...] = ()
    """The likeliest legal moves with their probabilities at temperature 1."""
    note: str = ""
    """Why no model chose it."""


def any_move(
    position: GamePosition, allowed: list[str], settings: PlaySettings, why: str
) -> Choice:
    """Return one of the moves, each as likely; the same one of a seed, a game and a ply."""
    address = f"{settings.seed} {settings.game} {len(position.ucis)}"
    return Choice(random.Random(address).choice(allowed), note=f"{why}; any legal move is played")
