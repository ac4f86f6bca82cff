"""One view of the state database, or one all-or-nothing change of it."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import apsw

from pawn_lab.clock import Moment
from pawn_lab.documents import own_folder
from pawn_lab.paths import WorkspacePaths

LARGEST_ID = 2**63 - 1
"""SQLite's integers have 64 bits."""


class Transaction:
    """One view of the database, or one all-or-nothing change of it."""

    def __init__(self, connection: apsw.Connection, paths: WorkspacePaths | None = None) -> None:
        self._connection = connection
        self._paths = paths
        self._unborn: dict[Path, Path] = {}
        self.now = time.time()
        self.moment = Moment.at(self.now)
        self.edges: list[str] = []
        self.touched: defaultdict[str, set[int]] = defaultdict(set)

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a statement as dictionaries."""
        cursor = self._connection.execute(sql, parameters)
        try:
            names = [column[0] for column in cursor.get_description()]
        except apsw.ExecutionCompleteError:  # there is no row
            return []
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def value(self, sql: str, *parameters: Any) -> Any:
        """Return the only column of the only row, or None."""
        return self._connection.execute(sql, parameters).get

    def execute(self, sql: str, *parameters: Any) -> None:
        """Run a statement that returns nothing."""
        self._connection.execute(sql, parameters)

    def insert(self, table: str, **columns: Any) -> int:
        """Insert a row and return its id."""
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values())
        )
        row_id = self._connection.last_insert_rowid()
        self.touched[table].add(row_id)
        return row_id

    def update(self, table: str, row_id: int, **columns: Any) -> None:
        """Change columns of the row with that id."""
        assignments = ", ".join(f"{name} = ?" for name in columns)
        self._connection.execute(
            f"UPDATE {table} SET {assignments} WHERE id = ?", (*columns.values(), row_id)
        )
        self.touched[table].add(row_id)

    def put(self, table: str, row_id: int, **columns: Any) -> None:
        """Change the row with that id, or insert it."""
        if self.rows(f"SELECT id FROM {table} WHERE id = ?", row_id):
            self.update(table, row_id, **columns)
        else:
            self.insert(table, id=row_id, **columns)

    def delete(self, table: str, column: str, values: Iterable[int]) -> None:
        """Delete the rows whose column has one of these values."""
        for value in values:
            self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (value,))

    def savepoint(self) -> AbstractContextManager[Any]:
        """Return a block that is undone by itself where it raises."""
        return self._connection

    def new_trial(self) -> int:
        """Return a number that neither a row nor a folder has."""
        numbers = self._paths.trial_numbers() if self._paths else set()
        return 1 + max(self.value("SELECT max(id) FROM trials") or 0, *numbers, 0)

    def make_folder(self, trial_id: int) -> None:
        """Make the folder of a new trial, which gets its name once the transaction is committed.

        Raises:
            OSError: it cannot be made.
        """
        if self._paths is not None:
            self._paths.trials.mkdir(exist_ok=True)
            folder = self._paths.unborn(trial_id)
            folder.mkdir(exist_ok=True)  # a launcher may have died here
            self._unborn[folder] = self._paths.trial(trial_id).root

    def new_sweep(self) -> int:
        """Return a number that neither a row nor a file of a sweep has; make their folder."""
        if self._paths is not None:
            own_folder(self._paths.sweeps)
        numbers = self._paths.sweep_numbers() if self._paths else set()
        return 1 + max(self.value("SELECT max(id) FROM sweeps") or 0, *numbers, 0)

    def name_folders(self) -> None:
        """Give the folders of new trials their names; the scheduler makes one where that fails."""
        for unborn, folder in self._unborn.items():
            with contextlib.suppress(OSError):
                unborn.rename(folder)

    def undo(self) -> None:
        """Remove the folders that were made."""
        for unborn in self._unborn:
            with contextlib.suppress(OSError):
                unborn.rmdir()
