"""What every list of trials says of one."""

from typing import Any

from pawn_lab.records import Trial


def brief(trial: Trial) -> dict[str, Any]:
    """Return a trial by its number, state, kind, tags and question."""
    return {
        "id": trial.id,
        "state": trial.state,
        "run_type": trial.config["run_type"],
        "tags": trial.tags,
        "hypothesis": trial.hypothesis,
    }
