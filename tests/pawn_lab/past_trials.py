"""Trials as the lab hands them out, made without a lab."""

from typing import Any

from pawn_core.config import parse_config
from pawn_lab.records import Trial
from pawn_lab.states import State

TOY = {"variant": "toy", "local_checkpoints": True, "total_steps": 1000}
COTRAIN = {"run_type": "cotrain", "local_checkpoints": True, "total_steps": 1000}


def resolved(**fields: Any) -> dict[str, Any]:
    """Return a whole config, every default filled in."""
    base = COTRAIN if "variants" in fields else TOY
    return parse_config(base | fields).model_dump(mode="json")


def trial(number: int, **fields: Any) -> Trial:
    """Return a completed trial of a config with these fields."""
    return Trial(
        id=number,
        state=State.COMPLETED,
        config=resolved(**fields),
        tags=[],
        hypothesis=None,
        priority=0,
        parent=None,
        from_step=None,
        device=None,
        created_at=0.0,
        started_at=None,
        ended_at=None,
        exit=None,
        cost=0.0,
    )
