"""Whether a running trial is expected to end worse than a comparable one has got already.

The shim of a trial with that rule runs it at new evaluations, as
`python -P -m pawn_lab.analysis.early_stop WORKSPACE TRIAL_DIRECTORY`, and reads the finding.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pawn_lab.analysis.final_loss import backtest, outlook, share_done, tested_on
from pawn_lab.analysis.groups import VALIDATION, Run, differing, runs_of
from pawn_lab.documents import write_json
from pawn_lab.lab import Lab, queries, sweeping
from pawn_lab.paths import TrialPaths
from pawn_lab.reporting.metrics import GAMES, metric_of_merit
from pawn_lab.reporting.results import METRIC_OF_MERIT
from pawn_lab.states import ENDED_WELL, HOLDING

TUNED = frozenset(
    {"lr", "lr_schedule", "warmup_steps", "min_lr_ratio", "decay_steps", "cooldown_steps"}
    | {"constant_lr_ratio", "weight_decay", "max_grad_norm", "accumulation_steps"}
)
"""Settings in which trials of no sweep may differ: what is learned stays the same question."""

_OTHER_LOSS = GAMES | VALIDATION | {"run_type", "total_steps"}
"""Settings that no two comparable trials differ in: of other games, or another schedule."""

_JUDGES = HOLDING | ENDED_WELL
_MOST_S = 60
_NICE = 10


class Judgement(NamedTuple):
    """Whether to stop a trial, why or why not, and the numbers behind it."""

    stop: bool
    why: str
    evidence: dict[str, int | float]


def judge(run: Run, rivals: Sequence[Run], ended: Sequence[Run], *, of_sweep: bool) -> Judgement:
    """Judge a run by its rivals; `ended` are the runs that its forecast is tested on."""
    forecast = outlook(run)
    if forecast.loss is None:
        return Judgement(False, f"no forecast: {forecast.why}", {})
    best = _best(run, rivals, forecast.step, None if of_sweep else TUNED)
    if best is None:
        return Judgement(False, "no comparable trial has a loss", {})
    reference, step, loss = best
    evidence: dict[str, int | float] = {
        "step": run.points[-1].step,
        "val_loss": run.points[-1].value,
        "at_step": forecast.step,
        "forecast": forecast.loss.value,
        "low": forecast.loss.low,
        "high": forecast.loss.high,
        "reference_trial": reference.id,
        "reference_step": step,
        "reference_loss": loss,
    }
    if forecast.loss.low <= loss:
        return Judgement(False, f"it may still reach trial {reference.id}", evidence)
    tested = backtest(ended, share_done(run))
    evidence |= {"held": tested.held, "of": tested.of}
    if tested.doubt:
        return Judgement(False, tested.doubt, evidence)
    return Judgement(True, f"it is not expected to reach trial {reference.id}", evidence)


def _best(
    run: Run, rivals: Sequence[Run], end: int, may_differ: frozenset[str] | None
) -> tuple[Run, int, float] | None:
    """Return the comparable rival with the lowest last loss up to a step, that step and loss."""
    lasts = [
        (rival, before[-1].step, before[-1].value)
        for rival in rivals
        if rival.trial.state in _JUDGES and _comparable(run, rival, may_differ)
        if (before := [point for point in rival.points if point.step <= end])
    ]
    return min(lasts, key=lambda each: each[2], default=None)


def _comparable(run: Run, rival: Run, may_differ: frozenset[str] | None) -> bool:
    """Say whether a loss of one judges the other; runs that differ only in seeds do not."""
    differ = set(differing(run, rival))
    allowed = differ - _OTHER_LOSS if may_differ is None else differ & may_differ
    return bool(differ) and differ == allowed


def find(lab: Lab, trial_id: int) -> Judgement:
    """Judge a trial of a single model by the other points of its sweep's arm, or by all trials."""
    trial, metric = queries.trial(lab, trial_id), metric_of_merit(METRIC_OF_MERIT)
    [run] = runs_of(lab, [trial], metric)
    rivals = sweeping.rivals(lab, trial_id)
    others = [] if rivals == [] else queries.selected(lab, rivals)
    alike = [t for t in others if t.config["run_type"] == trial.config["run_type"]]
    others = [other for other in alike if other.id != trial_id]
    ended = tested_on(lab, trial.config["run_type"], metric)
    return judge(run, runs_of(lab, others, metric), ended, of_sweep=rivals is not None)


def main() -> None:
    """Write the finding about a trial into its folder, without a scheduler pass."""
    signal.alarm(_MOST_S)
    os.nice(_NICE)
    workspace, folder = map(Path, sys.argv[1:])
    with Lab.look(workspace).only_looking() as lab:
        finding: dict[str, Any] = find(lab, int(folder.name))._asdict()
    write_json(TrialPaths(folder).finding, finding)


if __name__ == "__main__":
    main()
