"""Rows of trials: inserting, moving between states, reading."""

import json
import signal
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from pydantic_core import from_json

from pawn_lab.configs import StoredConfig
from pawn_lab.errors import UnknownTrialError
from pawn_lab.records import Exit, Games, Record
from pawn_lab.states import ENDED, HOLDING, State, check_transition
from pawn_lab.store import events, leases
from pawn_lab.store.rows import TrialRow
from pawn_lab.store.transaction import LARGEST_ID, Transaction

_JSON_COLUMNS = ("config", "tags", "trainer", "limits", "exit", "games")
_SELECT = f"SELECT {', '.join(field.name for field in fields(TrialRow))} FROM trials"
_MOST_ON_GAMES = 100
_SHOWN = "archived_at IS NULL"
_TAGGED = "(? IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?))"


def insert(tx: Transaction, message: str, caller: str | None = None, **columns: Any) -> int:
    """Queue a trial and return its number; its first event says who asked for it."""
    values = {name: _encoded(name, value) for name, value in columns.items()}
    own = {"id": tx.new_trial(), "state": State.QUEUED, "created_at": tx.now}
    trial_id = tx.insert("trials", **own, **values)
    events.append_asked(tx, State.QUEUED, message, trial_id, caller)
    tx.edges.append("new-queued")
    return trial_id


def mirror(tx: Transaction, trial_id: int, state: State, message: str, **columns: Any) -> None:
    """Make a trial what somebody else says of a run, whatever it was before, with an event."""
    values = {name: _encoded(name, value) for name, value in columns.items()}
    tx.put("trials", trial_id, state=state, **values)
    events.append(tx, state, message, trial_id)


def move(
    tx: Transaction,
    trial: TrialRow,
    target: State,
    message: str,
    data: dict[str, Any] | None = None,
    **changes: Any,
) -> TrialRow:
    """Change a trial's state, with the event that says so, and return the new row.

    A state outside `launching` and `running` gives the trial's devices back.

    Raises:
        IllegalTransitionError: the table of states does not have this change.
    """
    source = trial.state
    check_transition(trial.id, source, target)
    until = min(changes.get("ended_at", tx.now), tx.now)
    if target in ENDED:
        begun = changes.get("started_at", trial.started_at) or trial.created_at
        changes["ended_at"] = max(until, begun)
    if target not in HOLDING:
        leases.release(tx, trial.id, until)
    encoded = {name: _encoded(name, value) for name, value in changes.items()}
    tx.update("trials", trial.id, state=target, **encoded)
    events.append(tx, target, message, trial.id, data)
    tx.edges.append(f"{source}-{target}")
    return replace(trial, state=target, **changes)


def get(tx: Transaction, trial_id: int) -> TrialRow:
    """Return a trial's row.

    Raises:
        UnknownTrialError: no such trial.
    """
    possible = 0 < trial_id <= LARGEST_ID
    rows = _read(tx, "WHERE id = ?", trial_id) if possible else []
    if not rows:
        last = tx.value("SELECT max(id) FROM trials")
        raise UnknownTrialError(
            f"trial {trial_id} does not exist; "
            + (f"the workspace has trials 1 to {last}" if last else "the workspace has none")
        )
    return rows[0]


def by_key(tx: Transaction, idempotency_key: str) -> TrialRow | None:
    """Return the trial launched with that idempotency key, if there is one."""
    rows = _read(tx, "WHERE idempotency_key = ?", idempotency_key)
    return rows[0] if rows else None


def group(tx: Transaction, leader: int) -> list[int]:
    """Return the numbers of the trials that one launch made, its first one first."""
    rows = tx.rows("SELECT id FROM trials WHERE id = ? OR leader = ? ORDER BY id", leader, leader)
    return [row["id"] for row in rows]


def alike(tx: Transaction, fingerprint: str) -> int | None:
    """Return the newest trial of a fingerprint that goes on or has ended well."""
    failed = "'failed', 'killed', 'lost'"
    sql = f"SELECT max(id) FROM trials WHERE fingerprint = ? AND state NOT IN ({failed})"
    sql += f" AND {_SHOWN}"
    return tx.value(sql, fingerprint)


def spare(tx: Transaction, fingerprint: str, *, leaf: bool) -> int | None:
    """Return the newest such trial of no sweep, none on hold; with `leaf`, that none continues."""
    free = "sweep IS NULL AND parent IS NULL AND state NOT IN ('failed', 'killed', 'lost')"
    free += f" AND NOT on_hold AND {_SHOWN}"
    last = "NOT EXISTS (SELECT 1 FROM trials AS child WHERE child.parent = trials.id)"
    sql = f"SELECT max(id) FROM trials WHERE fingerprint = ? AND {free} AND (NOT ? OR {last})"
    return tx.value(sql, fingerprint, leaf)


def set_games(tx: Transaction, trial: TrialRow, games: Games) -> None:
    """Keep which real games a trial reads: they decide how long it is."""
    if games != trial.games:
        tx.update("trials", trial.id, games=_encoded("games", games))


def latest_on_games(tx: Transaction) -> list[TrialRow]:
    """Return the newest trials that have read real games, the newest first."""
    return _read(tx, "WHERE games IS NOT NULL ORDER BY id DESC LIMIT ?", _MOST_ON_GAMES)


def set_tags(tx: Transaction, trial: TrialRow, tags: list[str], caller: str | None = None) -> None:
    """Give a trial these tags in place of its own, with the event that says so."""
    if tags == trial.tags:
        return
    tx.update("trials", trial.id, tags=json.dumps(tags))
    message = f"the tags are {', '.join(tags) or 'none'}"
    data = {"tags": tags, "before": trial.tags}
    events.append_asked(tx, "tags", message, trial.id, caller, **data)


def approve(tx: Transaction, trial: TrialRow, caller: str | None = None) -> None:
    """Let a trial on hold start, with the event that says who approved it."""
    tx.update("trials", trial.id, on_hold=False)
    events.append_asked(tx, "approved", "approved", trial.id, caller)


def join_sweep(tx: Transaction, trial_id: int, sweep_id: int, point: int) -> None:
    """Make a trial one of a sweep's point."""
    tx.update("trials", trial_id, sweep=sweep_id, point=point)


def of_sweep(tx: Transaction, sweep_id: int) -> list[TrialRow]:
    """Return the trials of a sweep by number."""
    return _read(tx, "WHERE sweep = ? ORDER BY id", sweep_id)


def children(tx: Transaction, trial_id: int) -> list[int]:
    """Return the trials that continue a trial."""
    return [row["id"] for row in tx.rows("SELECT id FROM trials WHERE parent = ?", trial_id)]


def parents(tx: Transaction) -> dict[int, int | None]:
    """Return which trial each continues, the archived ones too."""
    return {row["id"]: row["parent"] for row in tx.rows("SELECT id, parent FROM trials")}


def naming(tx: Transaction, text: str) -> list[TrialRow]:
    """Return the trials in whose config a text stands anywhere, by number."""
    return _read(tx, "WHERE instr(config, ?) ORDER BY id", text)


def of_run_type(tx: Transaction, run_type: str) -> list[TrialRow]:
    """Return the trials of a run type by number; the archived ones aside."""
    return _read(tx, f"WHERE config ->> 'run_type' = ? AND {_SHOWN} ORDER BY id", run_type)


def select(tx: Transaction, states: Iterable[State] | None = None) -> list[TrialRow]:
    """Return trials by number, of all states or of those given; the archived ones aside."""
    chosen = list(State if states is None else states)
    marks = ", ".join("?" * len(chosen))
    return _read(tx, f"WHERE state IN ({marks}) AND {_SHOWN} ORDER BY id", *chosen)


def everything(tx: Transaction) -> list[TrialRow]:
    """Return all trials by number, the archived ones among them."""
    return _read(tx, "ORDER BY id")


def archive(tx: Transaction, trial: TrialRow, *, undo: bool = False) -> None:
    """Leave an ended trial out of what is shown of all, or show it again, with the event."""
    if (trial.archived_at is None) == undo:
        return
    tx.update("trials", trial.id, archived_at=None if undo else tx.now)
    events.append(tx, "storage", "shown again" if undo else "archived", trial.id)


def note_deleted(tx: Transaction, trial: TrialRow, message: str) -> None:
    """Append the event that files of a trial are deleted."""
    events.append(tx, "storage", message, trial.id)


def latest_ended(tx: Transaction, count: int, tag: str | None = None) -> list[TrialRow]:
    """Return the trials that ended last, newest first; of a tag or of all."""
    marks = ", ".join("?" * len(ENDED))
    ids = f"SELECT id FROM trials WHERE state IN ({marks}) AND {_TAGGED} AND {_SHOWN}"
    order = "ORDER BY ended_at DESC, id"
    return _read(tx, f"WHERE id IN ({ids} {order} LIMIT ?) {order}", *ENDED, tag, tag, count)


def counts(tx: Transaction, tag: str | None = None) -> dict[State, int]:
    """Return how many trials, of a tag or of all, are in each state that has any."""
    sql = f"SELECT state, count(*) AS n FROM trials WHERE {_TAGGED} AND {_SHOWN} GROUP BY state "
    sql += "ORDER BY min(id)"
    return {State(row["state"]): row["n"] for row in tx.rows(sql, tag, tag)}


def count_queued(tx: Transaction) -> int:
    """Return how many trials start by themselves once a device is free."""
    return tx.value("SELECT count(*) FROM trials WHERE state = 'queued' AND NOT on_hold")


def unresumed(tx: Transaction) -> int:
    """Return how many paused trials no other trial continues."""
    sql = f"SELECT count(*) FROM trials AS t WHERE state = 'paused' AND {_SHOWN} AND NOT EXISTS "
    return tx.value(sql + "(SELECT 1 FROM trials AS child WHERE child.parent = t.id)")


def in_trouble(tx: Transaction) -> list[TrialRow]:
    """Return the trials that failed, were lost or killed by force, and that nothing has answered.

    The oldest first. An answer is a note that names the trial, a trial that continues it, or one of
    the same config, each later than its end.
    """
    trouble = "state IN (?, ?, ?) AND (state != ? OR exit ->> 'signal' = ?) AND noted_at IS NULL"
    answer = (
        "SELECT 1 FROM trials AS later WHERE later.id > t.id AND later.created_at >= t.ended_at "
        "AND (later.parent = t.id OR later.config = t.config)"
    )
    where = f"AS t WHERE {trouble} AND {_SHOWN} AND NOT EXISTS ({answer}) ORDER BY ended_at, id"
    states = (State.FAILED, State.LOST, State.KILLED, State.KILLED)
    return _read(tx, where, *states, signal.SIGKILL)


def mark_noted(tx: Transaction, trial_ids: Iterable[int]) -> None:
    """Remember that a note names these trials, as far as they have ended."""
    named = "id IN (SELECT value FROM json_each(?)) AND ended_at IS NOT NULL"
    tx.execute(f"UPDATE trials SET noted_at = ? WHERE {named}", tx.now, json.dumps([*trial_ids]))


def by_tag(tx: Transaction) -> list[tuple[str, int]]:
    """Return each tag of each trial, with the trial's number."""
    sql = "SELECT each.value AS tag, trials.id FROM trials, json_each(tags) AS each"
    return [(row["tag"], row["id"]) for row in tx.rows(f"{sql} ORDER BY trials.id")]


def queue(tx: Transaction) -> list[TrialRow]:
    """Return the queued trials in the order in which they will be launched; none on hold."""
    return sorted(_queued(tx, on_hold=False), key=lambda row: (-row.priority, row.id))


def holds(tx: Transaction) -> list[TrialRow]:
    """Return the trials by number that wait for a person's approval."""
    return _queued(tx, on_hold=True)


def _queued(tx: Transaction, *, on_hold: bool) -> list[TrialRow]:
    where = f"WHERE state = 'queued' AND on_hold = ? AND {_SHOWN} ORDER BY id"
    return _read(tx, where, on_hold)


def _read(tx: Transaction, where: str, *parameters: Any) -> list[TrialRow]:
    return [_decoded(columns) for columns in tx.rows(f"{_SELECT} {where}", *parameters)]


def _decoded(columns: dict[str, Any]) -> TrialRow:
    ending, read = columns["exit"], columns["games"]
    games = None if read is None else Games.model_validate_json(read)
    training_games = None if games is None else games.train
    return TrialRow(
        **columns
        | {
            "state": State(columns["state"]),
            "config": StoredConfig.from_text(columns["config"], training_games),
            "exit": None if ending is None else Exit.model_validate_json(ending),
            "games": games,
            "on_hold": bool(columns["on_hold"]),
        }
        | {name: from_json(columns[name]) for name in ("tags", "trainer", "limits")}
    )


def _encoded(name: str, value: Any) -> Any:
    if isinstance(value, Record):
        return json.dumps(value.model_dump())
    return json.dumps(value) if name in _JSON_COLUMNS and value is not None else value
