"""Which domain of a curriculum a source's positions are of."""

import re

from pawn_core.config import ConfigError
from pawn_core.config.errors import shown
from pawn_core.config.position_data import DOMAINS

_NOT_STOCKFISH = ("teacher", "external")
_TAG = re.compile(r"[a-z_]+(:[a-z0-9][a-z0-9_./-]{0,63})?")


def domain_of(source: str) -> str:
    """Return the domain of a source's tag: `stockfish:endgames/krk` is of the endgames.

    It is the word before the colon; of what Stockfish made, the one behind it, up to a slash.

    Raises:
        ConfigError: there is no such domain.
    """
    maker, _, rest = source.partition(":")
    made_by_stockfish = [name for name in DOMAINS if name not in _NOT_STOCKFISH]
    domain = rest.partition("/")[0] if maker == "stockfish" else maker
    allowed = made_by_stockfish if maker == "stockfish" else _NOT_STOCKFISH
    if domain not in allowed or not _TAG.fullmatch(source):
        raise ConfigError(
            f"source {shown(source)} is of no domain; allowed: teacher, external:name, "
            f"stockfish:domain with a domain of {', '.join(made_by_stockfish)}"
        )
    return domain
