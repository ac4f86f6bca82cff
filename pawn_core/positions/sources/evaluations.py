"""Positions analysed on Lichess: JSON lines with `fen` and `evals`, as its database has them.

Of the evaluations of a position the deepest counts, of several as deep the one with most moves.
Its centipawns are White's, and so are its mates; here they are those of the side to move.
"""

import json
from typing import Annotated, Any, ClassVar

from pydantic import Field

from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.files import FileConfig
from pawn_core.positions.sources.lines import BadRow, LineSource, checked_fen, checked_move
from pawn_core.positions.sources.source import SourceConfig
from pawn_core.positions.values import (
    centipawns_of_mate,
    for_side_to_move,
    policy_of_centipawns,
    value_of_centipawns,
)

_MOST_CP = 50_000


class EvaluationsConfig(FileConfig):
    """Which evaluations are taken."""

    depth_min: Annotated[int, Field(ge=0, le=255, description="least depth of a search")] = 0


class Evaluations(LineSource):
    """Positions of `lichess_db_eval.jsonl`."""

    Config: ClassVar[type[SourceConfig]] = EvaluationsConfig

    def positions_of(self, line: str) -> list[LabelledPosition]:
        """Return the position of a line with its deepest evaluation."""
        try:
            return [self._position(json.loads(line))]
        except BadRow:
            raise
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            raise BadRow("no evaluation") from None

    def _position(self, row: Any) -> LabelledPosition:
        fen = checked_fen(row["fen"])
        deepest = max(row["evals"], key=lambda e: (e["depth"], len(e["pvs"])))
        if deepest["depth"] < self.config.depth_min:
            raise BadRow("not deep enough")
        worth = {
            checked_move(fen, pv["line"].split()[0]): for_side_to_move(_white_centipawns(pv), fen)
            for pv in deepest["pvs"]
        }
        shares = policy_of_centipawns([*worth.values()]).tolist()
        policy = dict(zip(worth, shares, strict=True))
        value = float(value_of_centipawns(max(worth.values())))
        return LabelledPosition(fen, f"position {fen}", policy, value)


def _white_centipawns(pv: Any) -> int:
    """Return what a line is worth to White.

    Raises:
        BadRow: it is no number, or both an evaluation and a mate.
    """
    cp, mate = pv.get("cp"), pv.get("mate")
    if type(cp) is int and mate is None and abs(cp) <= _MOST_CP:
        return cp
    if type(mate) is int and cp is None and mate:
        return centipawns_of_mate(mate)
    raise BadRow("no evaluation")
