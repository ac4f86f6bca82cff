"""Rows of prices: what the machine costs an hour, and what all may cost together, since when."""

from pawn_lab.records import Basis
from pawn_lab.store.rows import BudgetRow, RateRow
from pawn_lab.store.transaction import Transaction


def rates(tx: Transaction) -> list[RateRow]:
    """Return every rate in the order in which they were set."""
    columns = "since, cost_per_hour, devices, boot, uptime"
    return [RateRow(**row) for row in tx.rows(f"SELECT {columns} FROM rates ORDER BY id")]


def add_rate(tx: Transaction, cost_per_hour: float, device_count: int) -> None:
    """Note what the machine costs from now on."""
    now, price = tx.moment, {"cost_per_hour": cost_per_hour, "devices": device_count}
    tx.insert("rates", since=now.wall, boot=now.boot, uptime=now.uptime, **price)


def latest_budget(tx: Transaction) -> BudgetRow:
    """Return the cap that holds; of None there is no cap."""
    rows = tx.rows("SELECT budget, basis, overrun_told FROM budgets ORDER BY id DESC LIMIT 1")
    if not rows:
        return BudgetRow(None, "device_time", overrun_told=False)
    return BudgetRow(rows[0]["budget"], rows[0]["basis"], bool(rows[0]["overrun_told"]))


def add_budget(tx: Transaction, budget: float | None, basis: Basis) -> None:
    """Cap what is spent from now on, or no longer."""
    tx.insert("budgets", since=tx.now, budget=budget, basis=basis)


def note_overrun(tx: Transaction) -> None:
    """Remember that the cap which holds was reported to be too small."""
    tx.update("budgets", tx.value("SELECT max(id) FROM budgets"), overrun_told=1)
