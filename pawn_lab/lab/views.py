"""Rows of the database as the records that callers get."""

from pawn_lab.records import Exit, Trial
from pawn_lab.reporting import cost
from pawn_lab.scheduling.devices import Device
from pawn_lab.scheduling.waiting import waits
from pawn_lab.states import State
from pawn_lab.store import Transaction, leases
from pawn_lab.store.database import Row


def trial_record(tx: Transaction, row: Row, devices: list[Device]) -> Trial:
    """Return one trial."""
    return _records(tx, [row], leases.history(tx, row["id"]), devices)[0]


def trial_records(tx: Transaction, rows: list[Row], devices: list[Device]) -> list[Trial]:
    """Return trials with their device, cost and, while queued, what they wait for."""
    return _records(tx, rows, leases.history(tx), devices)


def _records(
    tx: Transaction, rows: list[Row], held: list[Row], devices: list[Device]
) -> list[Trial]:
    costs = cost.by_trial(tx, held)
    last_devices: dict[int, list[Row]] = {}
    for lease in held:
        known = last_devices.setdefault(lease["trial_id"], [])
        if known and known[0]["start"] != lease["start"]:
            known.clear()  # an earlier attempt to launch
        known.append(lease)
    queued = any(row["state"] == State.QUEUED for row in rows)
    waiting = waits(tx, devices) if queued else {}
    return [
        Trial(
            id=row["id"],
            state=row["state"],
            config=row["config"],
            tags=row["tags"],
            hypothesis=row["hypothesis"],
            priority=row["priority"],
            parent=row["parent"],
            from_step=row["from_step"],
            device=",".join(lease["device"] for lease in last_devices.get(row["id"], [])) or None,
            created_at=row["created_at"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            waits_for=waiting[row["id"]].why if row["id"] in waiting else None,
            queued_before=waiting[row["id"]].ahead if row["id"] in waiting else None,
            exit=Exit(**row["exit"]) if row["exit"] is not None else None,
            cost=costs.get(row["id"], 0.0),
        )
        for row in rows
    ]
