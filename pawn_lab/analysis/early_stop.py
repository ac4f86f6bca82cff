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
from pawn_lab.analysis.groups import Run, differing, runs_of
from pawn_lab.documents import write_json
from pawn_lab.lab import Lab, queries, sweeping
from pawn_lab.reporting import metrics
from pawn_lab.states import ENDED_WELL, HOLDING
from pawn_lab.trial_paths import TrialPaths

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
    best = _best(run, rivals, forecast.step, None if of_sweep else run.kind.tuned)
    if best is None:
        return Judgement(False, "no comparable trial has a loss", {})
    reference, step, loss = best
    evidence: dict[str, int | float] = {
        "step": run.points[-1].step,
        run.kind.merit.metric: run.points[-1].value,
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
    other = run.kind.measured_on | {"run_type", run.kind.progress.field}
    allowed = differ - other if may_differ is None else differ & may_differ
    return bool(differ) and differ == allowed


def find(lab: Lab, trial_id: int) -> Judgement:
    """Judge a trial of a single model by the other points of its sweep's arm, or by all trials."""
    trial = queries.trial(lab, trial_id)
    metric = metrics.of_merit(trial.config.kind)
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
