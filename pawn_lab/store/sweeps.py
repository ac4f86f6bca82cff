"""Rows of sweeps and of their points."""

import json
from collections.abc import Iterable
from typing import Any

from pydantic_core import from_json

from pawn_lab.errors import UnknownSweepError
from pawn_lab.store import events
from pawn_lab.store.rows import SweepPointRow, SweepRow
from pawn_lab.store.transaction import LARGEST_ID, Transaction

ACTIVE, COMPLETED, STOPPED, FAILED = "active", "completed", "stopped", "failed"

_JSON_COLUMNS = ("plan", "trainer", "limits", "overrides")


def insert(tx: Transaction, message: str, caller: str | None = None, **columns: Any) -> int:
    """Add an active sweep and return its number; its first event says who asked for it."""
    own = {"id": tx.new_sweep(), "state": ACTIVE, "created_at": tx.now}
    sweep_id = tx.insert("sweeps", **own, **_encoded(columns))
    events.append_asked(tx, "sweep", f"sweep {sweep_id}: {message}", None, caller, sweep=sweep_id)
    return sweep_id


def get(tx: Transaction, sweep_id: int) -> SweepRow:
    """Return a sweep.

    Raises:
        UnknownSweepError: no such sweep.
    """
    possible = 0 < sweep_id <= LARGEST_ID
    rows = tx.rows("SELECT * FROM sweeps WHERE id = ?", sweep_id) if possible else []
    if not rows:
        last = tx.value("SELECT max(id) FROM sweeps")
        listed = f"the workspace has sweeps 1 to {last}" if last else "the workspace has none"
        raise UnknownSweepError(f"sweep {sweep_id} does not exist; {listed}")
    return _sweep(rows[0])


def by_key(tx: Transaction, idempotency_key: str) -> SweepRow | None:
    """Return the sweep made with that idempotency key, if there is one."""
    rows = tx.rows("SELECT * FROM sweeps WHERE idempotency_key = ?", idempotency_key)
    return _sweep(rows[0]) if rows else None


def alike(tx: Transaction, request_hash: str) -> int | None:
    """Return the newest sweep of a request that goes on or has completed."""
    sql = "SELECT max(id) FROM sweeps WHERE request_hash = ? AND state IN (?, ?)"
    return tx.value(sql, request_hash, ACTIVE, COMPLETED)


def active(tx: Transaction) -> list[SweepRow]:
    """Return the sweeps that go on."""
    return [_sweep(row) for row in tx.rows("SELECT * FROM sweeps WHERE state = ?", ACTIVE)]


def newest_first(tx: Transaction) -> list[SweepRow]:
    """Return all sweeps, the newest first."""
    return [_sweep(row) for row in tx.rows("SELECT * FROM sweeps ORDER BY id DESC")]


def end(tx: Transaction, sweep_id: int, state: str, message: str, **data: Any) -> None:
    """End a sweep, with the event that says so."""
    tx.update("sweeps", sweep_id, state=state)
    events.append(tx, "sweep", f"sweep {sweep_id}: {message}", data={"sweep": sweep_id} | data)


def add_points(tx: Transaction, sweep_id: int, added: Iterable[tuple[int, int, Any]]) -> None:
    """Add points as (number, arm, overrides)."""
    for number, arm, overrides in added:
        columns = {"number": number, "arm": arm, "overrides": json.dumps(overrides)}
        tx.insert("sweep_points", sweep=sweep_id, state=ACTIVE, **columns)


def points(tx: Transaction, sweep_id: int) -> list[SweepPointRow]:
    """Return the points of a sweep by number."""
    sql = "SELECT * FROM sweep_points WHERE sweep = ? ORDER BY number"
    return [SweepPointRow(**_decoded(row)) for row in tx.rows(sql, sweep_id)]


def _encoded(columns: dict[str, Any]) -> dict[str, Any]:
    return {n: json.dumps(v) if n in _JSON_COLUMNS else v for n, v in columns.items()}


def _sweep(columns: dict[str, Any]) -> SweepRow:
    return SweepRow(**_decoded(columns))


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: from_json(row[name]) for name in _JSON_COLUMNS if name in row}
