"""How a trial ended: the shim's `exit.json`, the trainer's own word in it, and what they mean."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from pawn_core.checkpoint.manifest import finished
from pawn_lab.clock import Moment
from pawn_lab.documents import load_json_object
from pawn_lab.records import Evidence, Exit
from pawn_lab.reporting import log
from pawn_lab.states import State
from pawn_lab.text import clean, shorten
from pawn_lab.trial_paths import TrialPaths

MOST_MESSAGE_CHARACTERS = 500
_MOST_NAME_CHARACTERS = 64

STATE_OF_REASON = {
    "completed": State.COMPLETED,
    "patience": State.COMPLETED,
    "paused": State.PAUSED,
}
"""What a run that ended in order says; everything else is a failure, or somebody's signal."""

_STOPPED_BY = {
    "wall_clock": "stopped at its wall-clock limit",
    "diverged": "stopped because its loss climbed and stayed high",
    "no_progress": "stopped because its metrics no longer grew",
    "signal": "stopped by a signal from outside the lab",
}

BY_FORECAST = "forecast"
_SOFT_STOPS = {
    "budget": "stopped because the budget was spent",
    BY_FORECAST: "stopped because it is expected to end worse than another trial has got",
}
"""Rules that end a trial which is well: it counts as killed, not as failed."""

_SIGTERM_EXIT_CODE = 143  # 128 + SIGTERM: the trainer saved a checkpoint and ended


class Outcome(BaseModel):
    """What the trainer says about its own end; it is a stranger's file, so nothing is trusted."""

    model_config = ConfigDict(strict=True)

    reason: str
    message: str = ""
    step: int | None = None
    checkpoint: str | None = None

    @field_validator("reason", "message", "checkpoint")
    @classmethod
    def _readable(cls, text: str | None) -> str | None:
        return text and shorten(clean(text), MOST_MESSAGE_CHARACTERS)


class ExitRecord(BaseModel):
    """The shim's record of the trainer's end."""

    token: str
    code: int | None
    signal: int | None
    stopped_by: str | None
    forced_after_s: float | None = None
    evidence: Evidence = {}
    ended_at: float
    boot: str | None = None
    uptime: float | None = None
    duration_s: float
    outcome: Outcome | None

    @field_validator("evidence")
    @classmethod
    def _names_readable(cls, evidence: Evidence) -> Evidence:
        return {
            k: clean(v)[:_MOST_NAME_CHARACTERS] if isinstance(v, str) else v
            for k, v in evidence.items()
        }

    @field_validator("outcome", mode="before")
    @classmethod
    def _outcome_or_nothing(cls, value: Any) -> Outcome | None:
        try:
            return Outcome.model_validate(value)
        except ValidationError:
            return None

    @property
    def ended(self) -> Moment:
        """When the trainer ended."""
        return Moment(self.ended_at, self.boot, self.uptime)

    @property
    def by_signal(self) -> bool:
        """Whether a signal ended the trainer, orderly or not."""
        orderly = self.code == _SIGTERM_EXIT_CODE
        return self.signal is not None or orderly or self.reason == "signal"

    @property
    def reason(self) -> str | None:
        """The trainer's own reason, if it gave one."""
        return self.outcome.reason if self.outcome else None


def read(path: Path, token: str | None) -> ExitRecord | None:
    """Return the exit record of the attempt with that token, or None where there is none."""
    try:
        record = ExitRecord.model_validate(load_json_object(path))
    except (OSError, ValidationError):
        return None
    return record if record.token == token else None


def verdict(record: ExitRecord, kill_reason: str | None, paths: TrialPaths) -> tuple[State, Exit]:
    """Return the terminal state an exit record stands for, and what to say about it.

    Completed and paused need both exit code 0 and the trainer's word; killed needs a kill that
    was asked for and an end by signal; everything else is failed.
    """
    state = STATE_OF_REASON.get(record.reason or "")
    if record.code == 0 and record.outcome is not None and state is not None:
        reason = record.outcome.reason
        return state, _exit(record, reason, record.outcome.message or f"trainer {reason}")
    if record.by_signal and kill_reason is not None:
        return State.KILLED, _exit(record, "killed", f"killed: {kill_reason}")
    if record.by_signal and record.stopped_by in _SOFT_STOPS:
        message = _SOFT_STOPS[record.stopped_by] + _numbers(record)
        return State.KILLED, _exit(record, record.stopped_by, message)
    return State.FAILED, _exit(record, *_failure(record, paths))


def saved(paths: TrialPaths, unit: str, last_step: int | None = None) -> str:
    """Say what a trial that broke off, at a step where that is known, has left to go on from.

    unit: what its progress counts.
    """
    try:
        step = max(finished(paths.checkpoints), default=None)
    except OSError as error:
        return f"its checkpoints cannot be read: {error.strerror}"
    if step is None:
        return "nothing was saved"
    at = f"{unit} {step}"
    return f"saved at {at}" if last_step == step else f"its newest checkpoint is of {at}"


def _exit(record: ExitRecord, reason: str, message: str) -> Exit:
    outcome = record.outcome
    return Exit(
        code=record.code,
        signal=record.signal,
        reason=reason,
        message=message + _force(record),
        step=outcome.step if outcome else None,
        checkpoint=outcome.checkpoint if outcome else None,
        duration_s=record.duration_s,
        evidence=record.evidence or None,
    )


def _force(record: ExitRecord) -> str:
    """Say that the trainer was killed by force, where the shim had to."""
    after_s = record.forced_after_s
    return "" if after_s is None else f"; by SIGKILL, {after_s:g} s after SIGTERM did not end it"


def _failure(record: ExitRecord, paths: TrialPaths) -> tuple[str, str]:
    """Return the reason of a failure and a sentence about it."""
    ending = f"exit code {record.code}" if record.signal is None else f"signal {record.signal}"
    if record.stopped_by in _STOPPED_BY:
        return record.stopped_by, f"{_STOPPED_BY[record.stopped_by]} ({ending}){_numbers(record)}"
    if record.outcome is not None:
        return record.outcome.reason, f"trainer failed with {ending}: {record.outcome.message}"
    last = "".join(log.excerpt(0, paths.log, log.Wanted(lines=1)).lines)
    said = f"its log ends with: {shorten(last, MOST_MESSAGE_CHARACTERS)}" if last else "no log"
    return "crashed", f"trainer failed with {ending} and recorded no outcome; {said}"


def _numbers(record: ExitRecord) -> str:
    """Return the evidence as text, to four digits."""
    numbers = [f"{n} {_short(v)}" for n, v in record.evidence.items() if not n.endswith("_at")]
    return ": " + ", ".join(numbers) if numbers else ""


def _short(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
