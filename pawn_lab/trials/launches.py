"""Asking for trials and for their end: rows and events, within one transaction each."""

from pathlib import Path
from typing import Any

from pawn_core.config import RunConfig
from pawn_lab.errors import TrialStateError
from pawn_lab.processes import exits
from pawn_lab.processes.start import Launcher
from pawn_lab.store import Transaction, events, trials
from pawn_lab.store.database import Row
from pawn_lab.trials import requests
from pawn_lab.trials.lineage import ResumePoint
from pawn_lab.trials.requests import Request
from pawn_lab.trials.states import ACTIVE, State


def known(tx: Transaction, request: Request) -> int | None:
    """Return the trial that a repeated request already made.

    Raises:
        IdempotencyConflictError: its key belongs to a different request.
    """
    if request.idempotency_key is None:
        return None
    existing = trials.by_key(tx, request.idempotency_key)
    if existing is None:
        return None
    requests.check_same(existing, request)
    return existing["id"]


def launch(
    tx: Transaction, request: Request, config: RunConfig, launcher: Launcher, **columns: Any
) -> int:
    """Queue a trial, or return the one that this request already made."""
    return known(tx, request) or _insert(tx, "queued", request, config, launcher, **columns)


def resume(
    tx: Transaction,
    request: Request,
    config: RunConfig,
    launcher: Launcher,
    parent: Row,
    point: ResumePoint,
    root: Path,
) -> int:
    """Queue a trial that goes on from a checkpoint, or return the one already made."""
    if (existing := known(tx, request)) is not None:
        return existing
    checkpoint = point.checkpoint
    for name, why in point.rejected.items():
        message = f"{name} was passed over for {checkpoint.path.name}: {why}"
        events.append(tx, "checkpoint_rejected", message, parent["id"], {"checkpoint": name})
    return _insert(
        tx,
        f"queued to go on from trial {parent['id']} at step {checkpoint.step}",
        request,
        config,
        launcher,
        tags=parent["tags"],
        hypothesis=parent["hypothesis"],
        parent=parent["id"],
        from_step=checkpoint.step,
        checkpoint=str(checkpoint.path.relative_to(root)),
    )


def request_kill(tx: Transaction, trial: Row, why: str) -> None:
    """End a queued trial, or record that a live one is to be stopped.

    Raises:
        TrialStateError: the trial has ended.
    """
    if trial["state"] not in ACTIVE:
        raise TrialStateError(
            f"trial {trial['id']} is {trial['state']}; only these can be killed: "
            f"{', '.join(sorted(ACTIVE))}"
        )
    if trial["state"] == State.QUEUED:
        how = exits.never_ran(why)
        trials.move(tx, trial, State.KILLED, how.message, exit=how.model_dump())
    elif trial["kill_reason"] is None:
        tx.update("trials", trial["id"], kill_reason=why)
        events.append(tx, "kill_requested", why, trial["id"])


def _insert(
    tx: Transaction,
    message: str,
    request: Request,
    config: RunConfig,
    launcher: Launcher,
    **columns: Any,
) -> int:
    columns |= request.columns() | launcher.columns()
    return trials.insert(tx, message, config=config.model_dump(mode="json"), **columns)
