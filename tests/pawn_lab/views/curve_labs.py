"""Labs whose trials have streams of chosen values."""

import json
from collections.abc import Sequence
from typing import Any

from lab_testing import CONFIG, add_ended_trial

from pawn_core.config import parse_config
from pawn_lab.lab import Lab


def train(step: int, **fields: Any) -> dict[str, Any]:
    """Return a train record, ten tokens a second of two seconds a step."""
    speed = {"tokens_per_s": 10.0, "step_s": 2.0}
    return {"type": "train", "step": step, "time": 1.7e9 + step} | speed | fields


def append(lab: Lab, trial_id: int, records: Sequence[dict[str, Any]]) -> None:
    """Append records to a trial's stream."""
    with lab.paths.trial(trial_id).metrics.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def add_trial(lab: Lab, losses: Sequence[float | None], **config: Any) -> int:
    """Put in a completed trial whose train records, from step 1 on, have these losses."""
    trial_id = add_ended_trial(lab, parse_config(CONFIG | config).model_dump(mode="json"))
    lab.paths.trial(trial_id).metrics.unlink()
    append(lab, trial_id, [train(step, loss=loss) for step, loss in enumerate(losses, 1)])
    return trial_id
