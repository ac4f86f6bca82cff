"""What kind of games a pretraining config has, from the very games it is validated on.

`python -m pawn_core.data.kinds` reads a JSON array of configs and prints one of `GamesOfArm`: for
programs that hold no tensors.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import chess_engine

from pawn_core.config import PretrainConfig, parse_config
from pawn_core.data.distribution import legal_sets
from pawn_core.data.games import validation_games


@dataclass(frozen=True)
class GamesOfArm:
    """Mean length in plies, shares of the games by their end, and the least loss possible.

    floor: mean entropy, in nats a token, of the next move of somebody who knows the position and
    how play is made, but nothing of the future; exact where neither an outcome token nor the
    discarding of games tells of it, else the true floor lies a little lower.
    """

    mean_plies: float
    decisive: float
    ply_limit: float
    floor: float
    exact: bool


def games_of(config: Mapping[str, Any]) -> GamesOfArm:
    """Replay the validation games of a config."""
    parsed = parse_config(config)
    assert isinstance(parsed, PretrainConfig)
    games = validation_games(parsed).sequences(0, parsed.val_games, legal_moves=True)
    ends = [chess_engine.TERMINATIONS[number] for number in games.terminations]
    return GamesOfArm(
        mean_plies=float(games.lengths.mean()),
        decisive=ends.count("checkmate") / len(ends),
        ply_limit=ends.count("ply_limit") / len(ends),
        floor=float(legal_sets(games).entropy().mean()),
        exact=not (parsed.prepend_outcome or parsed.discard_ply_limit),
    )


if __name__ == "__main__":
    json.dump([asdict(games_of(config)) for config in json.load(sys.stdin)], sys.stdout)
