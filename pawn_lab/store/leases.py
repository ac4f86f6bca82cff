"""Which trial holds which device, now and in the past."""

from pawn_lab.store.database import Row, Transaction


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


def last_device(tx: Transaction) -> dict[int, str]:
    """Return the device each trial held last."""
    rows = tx.rows("SELECT trial_id, device FROM leases ORDER BY id")
    return {row["trial_id"]: row["device"] for row in rows}


def history(tx: Transaction) -> list[Row]:
    """Return every lease: trial_id, start and stop (None while held)."""
    return tx.rows("SELECT trial_id, start, stop FROM leases ORDER BY id")
