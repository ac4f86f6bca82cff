"""Folders of runs that no lab owns, as their trainer leaves them."""

import json
from pathlib import Path
from typing import Any

from past_trials import resolved

from pawn_core.run_paths import METRICS

DONE = {"reason": "completed", "step": 200, "message": "completed 200 steps"}


def write_run(folder: Path, outcome: dict[str, Any] | None = DONE, **fields: Any) -> Path:
    """Write the folder of a run as its trainer leaves it."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(resolved(**fields)))
    write_metrics(folder, 5.0)
    if outcome is not None:
        (folder / "outcome.json").write_text(json.dumps(outcome))
    return folder


def write_metrics(folder: Path, loss: float, stop: int = 200) -> None:
    records = [
        {"type": "eval", "seq": n, "step": step, "time": 1.7e9 + n, "val_loss": loss - n / 100}
        for n, step in enumerate(range(20, stop + 1, 20))
    ]
    (folder / METRICS).write_text("".join(json.dumps(record) + "\n" for record in records))
