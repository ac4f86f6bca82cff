"""`pawn-lab preflight`: a few real steps of a config before it is launched."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from pawn_core.preflight.report import Check, PreflightReport
from pawn_lab.cli.arguments import tool_arguments
from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.lab import trying
from pawn_lab.records import Trial
from pawn_lab.tools.values import Answer, Number, Table

_Setting = Annotated[
    list[str] | None,
    Parameter(name="--set", negative=(), help="FIELD=VALUE of the config; may be repeated."),
]
NOT_CLEAR = 1
_GIB = 1 << 30


class CheckRow(Answer):
    """One thing that was tried."""

    check: str
    ok: bool
    found: str


class PreflightAnswer(Answer):
    """What the first steps of a config have shown, and what the whole comes to.

    step_s: the fastest of those after the first. hours, cost: of all steps, evaluations and
    checkpoints aside.
    """

    passed: bool
    checks: Table[CheckRow]
    mend: str | None = None
    steps: int
    step_s: Number = None
    start_s: Number = None
    memory_gib: Number = None
    memory_limit_gib: Number = None
    checkpoint_gib: Number = None
    checkpoints: int | None = None
    free_gib: Number = None
    to_come: int
    hours: Number = None
    cost: Number = None
    took_s: Number
    trial_id: int | None = None

    @property
    def all_clear(self) -> bool:
        """Whether every check has passed."""
        return self.passed


def add_preflight_command(app: App) -> None:
    """Register the command."""
    app.command(preflight)


def preflight(
    *,
    config: Annotated[Path | None, Parameter(help="Run config: a JSON file.")] = None,
    set_: Annotated[
        list[str] | None,
        Parameter(
            name="--set", negative=(), help="FIELD=VALUE of the config; as many as you like."
        ),
    ] = None,
    steps: Annotated[int, Parameter(help="To try; 1 to 100.")] = 3,
    limit_s: Annotated[float, Parameter(help="Seconds for all the steps.")] = 1800.0,
    on_executor: Annotated[
        bool, Parameter(negative=(), help="As a trial where trials run, queued as any.")
    ] = False,
    options: Options = DEFAULTS,
) -> None:
    """Try a config before it is paid for: device, memory, loss, checkpoint, uploads, disk, price.

    A few real steps on a device that no trial holds. Exit code 1: a check fails.
    """
    request = tool_arguments({"config": config, "set_config": set_ or []})["config"]
    settings = {"steps": steps, "limit_s": limit_s}
    with options.open_lab() as lab:
        if on_executor:
            trial, report = trying.on_executor(lab, request, _say, **settings)
        else:
            trial, report = None, trying.here(lab, request, **settings)
        if report is None:
            assert trial is not None
            why = trial.exit.message if trial.exit else trial.state
            raise trying.PreflightError(f"trial {trial.id} left no report: {why}")
        answer = _answer(report, trial)
        options.show(answer, lab.paths)
    if not answer.all_clear:
        sys.exit(NOT_CLEAR)


def _say(trial: Trial) -> None:
    print(f"pawn-lab: trial {trial.id} is {trial.state}", file=sys.stderr)  # noqa: T201


def _answer(report: PreflightReport, trial: Trial | None) -> PreflightAnswer:
    failed = report.failed
    return PreflightAnswer(
        passed=failed is None,
        checks=list(map(_row, report.checks)),
        mend=failed.mend if failed else None,
        steps=report.steps,
        step_s=report.step_s,
        start_s=report.start_s,
        memory_gib=_gib(report.memory_bytes),
        memory_limit_gib=_gib(report.memory_limit_bytes),
        checkpoint_gib=_gib(report.checkpoint_bytes),
        checkpoints=report.checkpoints,
        free_gib=_gib(report.free_bytes),
        to_come=report.remaining,
        hours=None if report.whole_s is None else report.whole_s / 3600.0,
        cost=report.cost,
        took_s=report.took_s,
        trial_id=trial.id if trial else None,
    )


def _row(check: Check) -> CheckRow:
    return CheckRow(check=check.name, ok=check.ok, found=check.found)


def _gib(size: int | None) -> float | None:
    return None if size is None else size / _GIB
