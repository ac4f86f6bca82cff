"""The lab's state: one SQLite database that any number of processes share."""

from pawn_lab.store.database import Database, Transaction
from pawn_lab.store.rows import LeaseRow, SweepPointRow, SweepRow, TrialRow

__all__ = ["Database", "LeaseRow", "SweepPointRow", "SweepRow", "Transaction", "TrialRow"]
