"""Asking for trials and for their end: rows and events, within one transaction each."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pawn_core.config import RunConfig
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import TrialStateError
from pawn_lab.records import Exit
from pawn_lab.states import ACTIVE, State
from pawn_lab.store import Transaction, events, trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trials import known_games, requests
from pawn_lab.trials.code import code_digest
from pawn_lab.trials.launcher import Launcher
from pawn_lab.trials.lineage import Continuation
from pawn_lab.trials.requests import Request


class Made(NamedTuple):
    """The trials of a launch, and those among them that existed before it."""

    trials: list[int]
    known: list[int]

    @property
    def new(self) -> list[int]:
        """Those that did not exist before."""
        return [trial_id for trial_id in self.trials if trial_id not in self.known]


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
    return existing.id


def launch(
    tx: Transaction,
    request: Request,
    configs: Sequence[RunConfig],
    launcher: Launcher,
    *,
    once: bool,
    **columns: Any,
) -> Made:
    """Queue a trial for each config, or return those that this request already made.

    With `once`, a config that a trial which did not fail already has, run by the same code, is not
    launched again; that trial takes the tags.
    """
    if (first := known(tx, request)) is not None:
        return Made(group := trials.group(tx, first), group)
    made = Made([], [])
    leader: int | None = None
    for config in configs:
        mark = fingerprint(config, launcher)
        alike = trials.alike(tx, mark) if once else None
        if alike is not None:
            tag(tx, alike, columns.get("tags", ()))
            made.trials.append(alike)
            made.known.append(alike)
            continue
        own = columns | {"fingerprint": mark, "leader": leader}
        key = request if leader is None else request.without_key()
        trial_id = _insert(tx, "queued", key, config, launcher, **own)
        leader = leader or trial_id
        made.trials.append(trial_id)
    return made


def fingerprint(config: RunConfig, launcher: Launcher) -> str:
    """Return a hash of what a trial computes: its settings, its code, its trainer."""
    what = [config.settings(), code_digest(), launcher.trainer]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def fingerprint_of(continuation: Continuation, launcher: Launcher) -> str:
    """Return a hash of what a resumed trial computes: also whose it continues, and from where."""
    parent, point, config = continuation
    what = [fingerprint(config, launcher), parent.id, point.checkpoint.path.name]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def resume(
    tx: Transaction,
    request: Request,
    continuation: Continuation,
    launcher: Launcher,
    root: Path,
    *,
    once: bool = False,
    **columns: Any,
) -> Made:
    """Queue a trial that goes on from a checkpoint, or return the one already made.

    It has its parent's tags and hypothesis, except for those among `columns`. With `once`, a
    continuation that did not fail is not started again; it takes the tags.
    """
    if (existing := known(tx, request)) is not None:
        return Made([existing], [existing])
    parent, point, config = continuation
    mark = fingerprint_of(continuation, launcher)
    if once and (alike := trials.alike(tx, mark)) is not None:
        tag(tx, alike, columns.get("tags", ()))
        return Made([alike], [alike])
    checkpoint = point.checkpoint
    for name, why in point.rejected.items():
        message = f"{name} was passed over for {checkpoint.path.name}: {why}"
        events.append(tx, "checkpoint_rejected", message, parent.id, {"checkpoint": name})
    inherited = {"tags": parent.tags, "hypothesis": parent.hypothesis}
    inherited |= {"sweep": parent.sweep, "point": parent.point}
    origin = {
        "parent": parent.id,
        "from_step": checkpoint.step,
        "checkpoint": str(checkpoint.path.relative_to(root)),
        "fingerprint": mark,
    }
    at = f"{config.progress.unit} {checkpoint.step}"
    message = f"queued to go on from trial {parent.id} at {at}"
    made = _insert(tx, message, request, config, launcher, **inherited | origin | columns)
    return Made([made], [])


def tag(tx: Transaction, trial_id: int, tags: Iterable[str]) -> None:
    """Give a trial that exists the tags of a request that it answers.

    Raises:
        InvalidRequestError: they would be too many.
    """
    trial = trials.get(tx, trial_id)
    trials.set_tags(tx, trial, requests.checked_tags([*trial.tags, *tags]))


def approve(tx: Transaction, approved: Sequence[TrialRow], caller: str | None) -> None:
    """Let trials on hold start, all or none.

    Raises:
        TrialStateError: one does not wait for an approval.
    """
    holds = [row.id for row in trials.holds(tx)]
    for trial in approved:
        if trial.id not in holds:
            raise TrialStateError(
                f"trial {trial.id} is {trial.state} and not on hold; on hold: "
                f"{', '.join(map(str, holds)) or 'none'}"
            )
    for trial in approved:
        trials.approve(tx, trial, caller)


def request_kill(tx: Transaction, trial: TrialRow, why: str, caller: str | None) -> None:
    """End a queued trial, or record that a live one is to be stopped; the event says who asked.

    Raises:
        TrialStateError: the trial has ended.
    """
    if trial.state not in ACTIVE:
        raise TrialStateError(
            f"trial {trial.id} is {trial.state}; only these can be killed: "
            f"{', '.join(sorted(ACTIVE))}"
        )
    if trial.state == State.QUEUED:
        ending = Exit.never_ran(why)
        events.append_asked(tx, "kill_requested", why, trial.id, caller)
        trials.move(tx, trial, State.KILLED, ending.message, exit=ending)
    elif trial.kill_reason is None:
        tx.update("trials", trial.id, kill_reason=why)
        events.append_asked(tx, "kill_requested", why, trial.id, caller)


def _insert(
    tx: Transaction,
    message: str,
    request: Request,
    config: RunConfig,
    launcher: Launcher,
    **columns: Any,
) -> int:
    columns |= request.columns() | launcher.judging(config).columns()
    columns["games"] = known_games.read_alike(tx, StoredConfig.of(config))
    values = config.model_dump(mode="json")
    trial_id = trials.insert(tx, message, launcher.caller, config=values, **columns)
    tx.make_folder(trial_id)
    return trial_id
