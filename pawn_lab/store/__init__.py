"""The lab's state: one SQLite database that any number of processes share."""

from pawn_lab.store.database import Database, Transaction

__all__ = ["Database", "Transaction"]
