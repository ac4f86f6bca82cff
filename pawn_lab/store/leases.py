"""Which trial holds which device, now and in the past."""

import json
from typing import Any

from pawn_lab.clock import Moment
from pawn_lab.store.rows import LeaseRow
from pawn_lab.store.transaction import Transaction


def acquire(tx: Transaction, device: str, trial_id: int) -> None:
    """Give a device to a trial; the database refuses a second live trial on it."""
    now = tx.moment
    when = {"start": now.wall, "boot": now.boot, "uptime": now.uptime}
    tx.insert("leases", device=device, trial_id=trial_id, **when)


def release(tx: Transaction, trial_id: int, at: float) -> None:
    """Take back what a trial held until then; a wall clock that was set meanwhile costs nothing."""
    for lease in tx.rows("SELECT * FROM leases WHERE trial_id = ? AND stop IS NULL", trial_id):
        start = _start(tx, lease)
        tx.update("leases", lease["id"], start=start, stop=max(at, start))


def _start(tx: Transaction, lease: dict[str, Any]) -> float:
    """Return when a lease began, by the wall clock as it is set now."""
    return Moment(lease["start"], lease["boot"], lease["uptime"]).seen_from(tx.moment)


def held(tx: Transaction) -> dict[str, int]:
    """Return the trial that holds each leased device."""
    rows = tx.rows("SELECT device, trial_id FROM leases WHERE stop IS NULL")
    return {row["device"]: row["trial_id"] for row in rows}


def last_release(tx: Transaction) -> float | None:
    """Return when a device was last given back; None before the first time."""
    return tx.value("SELECT min(max(stop), ?) FROM leases", tx.now)


def released(tx: Transaction) -> dict[str, float]:
    """Return when each device that no trial holds was last given back."""
    sql = (
        "SELECT device, max(stop) AS stop FROM leases GROUP BY device HAVING count(*) = count(stop)"
    )
    return {row["device"]: min(row["stop"], tx.now) for row in tx.rows(sql)}


def since(tx: Transaction, trial_id: int) -> float:
    """Return when a trial got the devices that it holds."""
    return min(lease.start for lease in history(tx, trial_id) if lease.stop is None)


def history(tx: Transaction, trial_id: int | None = None) -> list[LeaseRow]:
    """Return the leases of one trial or of all, oldest first; `stop` is None while held.

    Times are by the wall clock as it is set now, as far as they are of this boot.
    """
    sql = "SELECT trial_id, device, start, stop, boot, uptime FROM leases"
    rows = tx.rows(f"{sql} WHERE ? IS NULL OR trial_id = ? ORDER BY id", trial_id, trial_id)
    return [_as_of_now(tx, lease) for lease in rows]


def _as_of_now(tx: Transaction, lease: dict[str, Any]) -> LeaseRow:
    start, stop = _start(tx, lease), lease["stop"]
    moved = None if stop is None else stop + (start - lease["start"])
    return LeaseRow(lease["trial_id"], lease["device"], start, moved)


def overlapping(tx: Transaction, trial_ids: list[int], kind: str) -> set[int]:
    """Return which trials held a device whose name begins so while another trial held one too."""
    sql = (
        "SELECT DISTINCT a.trial_id FROM leases AS a JOIN leases AS b ON a.trial_id != b.trial_id "
        "WHERE a.trial_id IN (SELECT value FROM json_each(?)) "
        "AND a.device LIKE ? AND b.device LIKE ? "
        "AND a.start < coalesce(b.stop, ?) AND b.start < coalesce(a.stop, ?)"
    )
    ids, name = json.dumps(trial_ids), f"{kind}%"
    return {row["trial_id"] for row in tx.rows(sql, ids, name, name, tx.now, tx.now)}
