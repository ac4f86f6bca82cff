"""Where a trial stands among others: what it continues, what continues it, what it reads."""

from collections.abc import Iterator, Mapping

from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Family, Reader, Relative
from pawn_lab.store import trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trials import subjects

Rows = Mapping[int, TrialRow]


def family(lab: Lab, trial_id: int) -> Family:
    """Return a trial's family: all that goes back to its oldest ancestor, and who reads whom.

    Raises:
        UnknownTrialError: no such trial.
    """
    lab.refresh()
    with lab.database.read() as tx:
        own = trials.get(tx, trial_id)
        rows = {row.id: row for row in trials.everything(tx)}
        launch = trials.group(tx, own.leader or own.id)
    oldest = list(_upwards(own, rows))[-1]
    return Family(
        members=[_relative(row) for row in rows.values() if _goes_back_to(row, oldest, rows)],
        launched_with=[number for number in launch if number != trial_id],
        sweep=own.sweep,
        reads={field: str(weights) for field, weights in subjects.named(own.config).items()},
        read_by=list(_readers(trial_id, rows)),
    )


def _upwards(row: TrialRow, rows: Rows) -> Iterator[TrialRow]:
    """Yield a trial and what it continues, the oldest last."""
    while True:
        yield row
        if row.parent is None or row.parent not in rows:
            return
        row = rows[row.parent]


def _goes_back_to(row: TrialRow, oldest: TrialRow, rows: Rows) -> bool:
    return row.id >= oldest.id and any(older.id == oldest.id for older in _upwards(row, rows))


def _relative(row: TrialRow) -> Relative:
    return Relative(
        id=row.id, parent=row.parent, from_step=row.from_step, state=row.state, tags=row.tags
    )


def _readers(trial_id: int, rows: Rows) -> Iterator[Reader]:
    """Yield the trials that start from weights of a trial, or measure them."""
    for row in rows.values():
        for field, weights in subjects.named(row.config).items():
            if weights.trial == trial_id:
                run_type = row.config["run_type"]
                yield Reader(id=row.id, run_type=run_type, field=field, weights=str(weights))
