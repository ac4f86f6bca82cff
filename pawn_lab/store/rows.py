"""Rows of the state database, typed: a trial's config is parsed once, whatever asks for it.

Times are Unix seconds, durations seconds.
"""

from dataclasses import dataclass
from typing import Any

from pawn_lab.clock import Moment
from pawn_lab.configs import StoredConfig
from pawn_lab.records import Basis, Exit, Games
from pawn_lab.states import State


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial: what was asked for, and what has become of it."""

    id: int
    state: State
    config: StoredConfig
    tags: list[str]
    hypothesis: str | None
    priority: int
    parent: int | None
    from_step: int | None
    checkpoint: str | None
    """Resumed from; relative to the workspace."""
    trainer: list[str]
    limits: dict[str, Any]
    idempotency_key: str | None
    request_hash: str
    token: str | None
    """Of the current attempt to launch."""
    attempts: int
    kill_reason: str | None
    """Set once a kill was asked for."""
    created_at: float
    started_at: float | None
    ended_at: float | None
    exit: Exit | None
    leader: int | None
    """The first trial of the launch that made several."""
    fingerprint: str | None
    """Of config, code and trainer."""
    expected_s: float | None
    """Device-time reserved."""
    sweep: int | None
    point: int | None
    noted_at: float | None
    """When a note named it after its end."""
    archived_at: float | None
    games: Games | None
    """The real games that it reads, once its trainer has said so."""
    on_hold: bool
    """Not to be started until a person approves it."""

    @property
    def held_token(self) -> str:
        """The token of a trial that has been launched, or is being."""
        assert self.token is not None, f"trial {self.id} is {self.state} and has no token"
        return self.token


@dataclass(frozen=True, slots=True)
class SweepRow:
    """A sweep; its plan as it was asked for, checked."""

    id: int
    state: str
    plan: dict[str, Any]
    trainer: list[str]
    limits: dict[str, Any]
    idempotency_key: str | None
    request_hash: str
    created_at: float
    seen: str | None
    """Hash of the states that were last decided upon."""


@dataclass(frozen=True, slots=True)
class SweepPointRow:
    """A point of a sweep; its value is of the metric, when it left active."""

    id: int
    sweep: int
    number: int
    arm: int
    overrides: dict[str, Any]
    state: str
    value: float | None


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A device held by a trial, by the wall clock as it is set now; `stop` is None while held."""

    trial_id: int
    device: str
    start: float
    stop: float | None


@dataclass(frozen=True, slots=True)
class RateRow:
    """What the whole machine cost an hour from a moment on, and how many devices it had."""

    since: float
    cost_per_hour: float
    devices: int
    boot: str | None
    uptime: float | None

    @property
    def set_at(self) -> Moment:
        """When it was set."""
        return Moment(self.since, self.boot, self.uptime)


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """The cap from a moment on, and of what; None: no cap."""

    budget: float | None
    basis: Basis
    overrun_told: bool
