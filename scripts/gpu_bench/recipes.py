"""What is learned in some minutes of a GPU, by recipe: KL against seconds.

The goal is the published PAWN-Base (KL 0.012, games completed by both sides 98.97 %). A recipe's
steps are as many as fit into its minutes by the step time measured first; the run then finds the
code that was compiled for it. Never imports torch.
"""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gpu_bench.children import Answer, Place, ask, process
from gpu_bench.jobs import EXACT, STEPS
from gpu_bench.starts import records_of, trainer

EVALUATIONS = 8
TRAINING_SHARE = 0.85  # of the time; the rest is for starting and evaluating
MEASURES = ("kl", "val_loss", "top1", "legal_rate", "game_completion_both")
OVERTIME = 1.5
"""A run is killed after so many times its share of the time, and half a minute."""
MEASURING_S = 300.0
_LOOK_S = 1.0
_PACE = ("variant", "targets", "optimizer", "batch_size")
WARMUP, DECAY = 0.04, 0.32
"""Shares of the steps: those of the run of 3,800 steps that reached KL 0.036 in four minutes."""


class Recipe(NamedTuple):
    """What one run sets."""

    name: str
    fields: Mapping[str, Any]


RECIPES: tuple[Recipe, ...] = (
    Recipe("muon-2e-3", EXACT | {"lr": 2e-3}),
    Recipe("muon-4e-3", EXACT | {"lr": 4e-3}),
    Recipe("muon-1e-3", EXACT | {"lr": 1e-3}),
    Recipe("adamw-1e-3", {"targets": "legal", "lr": 1e-3}),
    Recipe("muon-2e-3-sampled", {"optimizer": "muon", "lr": 2e-3}),
    Recipe("muon-2e-3-cosine", EXACT | {"lr": 2e-3, "lr_schedule": "cosine"}),
    Recipe("muon-2e-3-decay-0.1", EXACT | {"lr": 2e-3, "weight_decay": 0.1}),
    Recipe("muon-2e-3-128-games", EXACT | {"lr": 2e-3, "batch_size": 128}),
)
"""Most valuable first: rate, optimizer, targets, schedule, weight decay, batch size."""


class School:
    """Trains by recipes within a time that they share."""

    def __init__(self, shared: Mapping[str, Any], place: Place, seconds: float) -> None:
        self._shared, self._place = dict(shared), place
        self._end = time.monotonic() + seconds
        self._step_s: dict[str, float] = {}
        """By what decides how long a step takes; its name is that of the compiled code, too."""

    def learn(self, recipe: Recipe, still_to_come: int) -> Iterator[Answer]:
        """Yield a run's evaluations, or why there are none; its folder stays.

        The run takes its share of the time that is left, its start and evaluations included.
        """
        fields = self._shared | dict(recipe.fields)
        pace = "-".join(str(fields.get(name, "default")) for name in _PACE)
        if pace not in self._step_s:
            answer = self._measured(fields, pace)
            if "step_s" not in answer:
                yield answer
                return
            self._step_s[pace] = answer["step_s"]
        seconds = max(0.0, self._end - time.monotonic()) / (1 + still_to_come)
        plan = fields | schedule(fields, self._step_s[pace], seconds)
        run_dir = self._place.folder / recipe.name
        log = self._place.folder / f"{recipe.name}.log"
        environment = self._place.environment(pace)
        with process(trainer(plan, run_dir), environment, log, OVERTIME * seconds + 30) as running:
            yield from _as_they_come(running, run_dir)
        if not evaluations(run_dir):
            yield {"failed": f"failed: no evaluation; see {log.name}"}
        yield {"fields": plan, "ended": running.returncode}

    def _measured(self, fields: Mapping[str, Any], pace: str) -> Answer:
        """Return what a step takes, or why none was made."""
        job = {"kind": STEPS, "fields": fields, "runtime": {}, "steps": 20}
        *_, answer = ask(job, self._place, pace, MEASURING_S)
        return answer


def schedule(fields: Mapping[str, Any], step_s: float, seconds: float) -> dict[str, Any]:
    """Return the steps that fit into the time, the schedule over them and when it is evaluated."""
    steps = max(EVALUATIONS, int(TRAINING_SHARE * seconds / step_s) // EVALUATIONS * EVALUATIONS)
    shape: dict[str, Any] = {"lr_schedule": fields.get("lr_schedule", "wsd")}
    if shape["lr_schedule"] == "wsd":
        shape["decay_steps"] = max(1, int(DECAY * steps))
    return shape | {
        "total_steps": steps,
        "warmup_steps": int(WARMUP * steps),
        "eval_interval": steps // EVALUATIONS,
        "log_interval": max(1, steps // 50),
        "checkpoint_interval": steps,
    }


def _as_they_come(running: subprocess.Popen[bytes], run_dir: Path) -> Iterator[Answer]:
    """Yield a run's evaluations until it has ended."""
    count, ended = 0, False
    while not ended:
        ended = running.poll() is not None
        rows = evaluations(run_dir)
        yield from rows[count:]
        count = len(rows)
        if not ended:
            time.sleep(_LOOK_S)


def evaluations(run_dir: Path) -> list[Answer]:
    """Return each evaluation of a run, with the seconds from its first record to it."""
    records = records_of(run_dir)
    return [
        {"step": record["step"], "seconds": record["time"] - records[0]["time"]}
        | {name: record.get(name) for name in MEASURES}
        for record in records
        if record["type"] == "eval"
    ]


def chosen(names: Sequence[str]) -> list[Recipe]:
    """Return recipes by name; all where none is named."""
    return [recipe for recipe in RECIPES if not names or recipe.name in names]
