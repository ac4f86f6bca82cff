"""What kind of games each arm of the study has; a process beside this one replays them."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BASELINE = "baseline"
_COMMAND = [sys.executable, "-m", "pawn_core.data.kinds"]


@dataclass(frozen=True)
class GamesOfArm:
    """As `pawn_core.data.kinds` has it: lengths in plies, shares by their end, the least loss."""

    mean_plies: float
    decisive: float
    ply_limit: float
    floor: float
    exact: bool


def games_of(configs: Sequence[Mapping[str, Any]]) -> list[GamesOfArm]:
    """Replay the validation games of each config."""
    asked = json.dumps([dict(config) for config in configs])
    done = subprocess.run(_COMMAND, input=asked, stdout=subprocess.PIPE, text=True, check=True)
    return [GamesOfArm(**kind) for kind in json.loads(done.stdout)]
