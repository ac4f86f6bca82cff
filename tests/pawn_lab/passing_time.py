"""Labs in which much time has passed since all that happened."""

from pawn_lab.lab import Lab

_MOMENTS = {
    "events": ("time",),
    "leases": ("start", "stop", "uptime"),
    "rates": ("since", "uptime"),
    "trials": ("created_at", "started_at", "ended_at"),
}
"""Columns that hold a moment, by table."""


def let_pass(lab: Lab, minutes: float) -> None:
    """Put all that the database tells so much further into the past."""
    with lab.database.write() as tx:
        for table, columns in _MOMENTS.items():
            changes = ", ".join(f"{name} = {name} - {60 * minutes}" for name in columns)
            tx.execute(f"UPDATE {table} SET {changes}")
