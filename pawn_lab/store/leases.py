"""Which trial holds which device, now and in the past."""

import json

from pawn_lab.store.transaction import Row, Transaction


def acquire(tx: Transaction, device: str, trial_id: int) -> None:
    """Give a device to a trial; the database refuses a second live trial on it."""
    tx.insert("leases", device=device, trial_id=trial_id, start=tx.now)


def release(tx: Transaction, trial_id: int, at: float) -> None:
    """Take back what a trial held until then; a clock that went backwards costs nothing."""
    for lease in tx.rows("SELECT * FROM leases WHERE trial_id = ? AND stop IS NULL", trial_id):
        tx.update("leases", lease["id"], stop=max(at, lease["start"]))


def held(tx: Transaction) -> dict[str, int]:
    """Return the trial that holds each leased device."""
    rows = tx.rows("SELECT device, trial_id FROM leases WHERE stop IS NULL")
    return {row["device"]: row["trial_id"] for row in rows}


def last_release(tx: Transaction) -> float | None:
    """Return when a device was last given back; None before the first time."""
    return tx.value("SELECT max(stop) FROM leases")


def since(tx: Transaction, trial_id: int) -> float:
    """Return when a trial got the devices that it holds."""
    sql = "SELECT min(start) FROM leases WHERE trial_id = ? AND stop IS NULL"
    return tx.value(sql, trial_id)


def history(tx: Transaction, trial_id: int | None = None) -> list[Row]:
    """Return the leases of one trial or of all, oldest first; `stop` is None while held."""
    sql = "SELECT trial_id, device, start, stop FROM leases WHERE ? IS NULL OR trial_id = ?"
    return tx.rows(f"{sql} ORDER BY id", trial_id, trial_id)


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
