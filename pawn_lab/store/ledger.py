"""What the workspace remembers beside the database, so that an older one from a backup is noticed.

After each change the rows that it touched are left in the folders of their trials and sweeps, and
the number of the newest event, with the prices, in the ledger. They follow the commit and are not
forced to the disk: they never say what was not committed, and only ever serve to mend.
"""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw

from pawn_lab.documents import read_json_object, write_cache
from pawn_lab.paths import WorkspacePaths
from pawn_lab.store import events
from pawn_lab.store.transaction import Transaction

PRICES = ("rates", "budgets")
MOST_NAMED = 20
_Document = dict[str, Any]


def keep(tx: Transaction, paths: WorkspacePaths) -> None:
    """Leave what a transaction has changed, once it is committed, as far as the disk allows."""
    if not tx.touched:
        return
    with contextlib.suppress(apsw.Error):
        newest = {"seq": events.last(tx)}
        for trial_id in sorted(tx.touched["trials"]):
            _write(paths.trial(trial_id).record, newest | _trial(tx, trial_id))
        for sweep_id in sorted(tx.touched["sweeps"] | _sweeps_of(tx, tx.touched["sweep_points"])):
            _write(paths.sweep_record(sweep_id), newest | _sweep(tx, sweep_id))
        prices = {table: tx.rows(f"SELECT * FROM {table} ORDER BY id") for table in PRICES}
        _write(paths.ledger, newest | prices)


def keep_all(tx: Transaction, paths: WorkspacePaths) -> None:
    """Leave every row: of a database that was made before there was a ledger."""
    for table in ("trials", "sweeps"):
        tx.touched[table] |= {row["id"] for row in tx.rows(f"SELECT id FROM {table}")}
    keep(tx, paths)


def lacks_something(tx: Transaction, paths: WorkspacePaths) -> bool:
    """Say whether the database is older than what lies around it."""
    rows = {row["id"] for row in tx.rows("SELECT id FROM trials")}
    unknown = (paths.trial(n).record for n in paths.trial_numbers() - rows)
    return _seq(read_json_object(paths.ledger)) > events.last(tx) or any(
        record.exists() for record in unknown
    )


def adopt(tx: Transaction, paths: WorkspacePaths) -> str | None:
    """Take from the folders what a database from a backup lacks; return what the event says of it.

    None where what is left there cannot be read.
    """
    newest = events.last(tx)
    ledger = read_json_object(paths.ledger) or {}
    for table in PRICES:
        _adopt_rows(tx, table, ledger.get(table))
    for sweep_id in sorted(paths.sweep_numbers()):
        _adopt_sweep(tx, newest, read_json_object(paths.sweep_record(sweep_id)))
    numbers = sorted(paths.trial_numbers())
    kept = {n: read_json_object(paths.trial(n).record) for n in numbers}
    records = {n: record for n, record in kept.items() if _is_news(tx, n, newest, record)}
    tx.delete("leases", "trial_id", records)
    adopted = [n for n, record in records.items() if _adopt_trial(tx, n, record)]
    lost_events = max(0, _seq(ledger) - newest)
    return _report(tx, adopted, lost_events) if adopted or lost_events else None


def _report(tx: Transaction, adopted: list[int], lost_events: int) -> str:
    """Say which trials were taken, each in an event of its own too."""
    numbers = ", ".join(map(str, adopted[:MOST_NAMED])) + ", ..." * (len(adopted) > MOST_NAMED)
    message = (
        "the database is older than its workspace, as one from a backup is: what it lacked of "
        f"trials {numbers or '(none)'} was taken from their folders; {lost_events} events are gone"
    )
    events.append(tx, "adopted", message, data={"trials": adopted, "events_lost": lost_events})
    for trial_id in adopted:
        state = tx.value("SELECT state FROM trials WHERE id = ?", trial_id)
        events.append(tx, "adopted", f"taken from its folder as {state}", trial_id)
    return message


def _trial(tx: Transaction, trial_id: int) -> _Document:
    (row,) = tx.rows("SELECT * FROM trials WHERE id = ?", trial_id)
    leases = tx.rows("SELECT * FROM leases WHERE trial_id = ? ORDER BY id", trial_id)
    return {"row": row, "leases": leases}


def _sweep(tx: Transaction, sweep_id: int) -> _Document:
    (row,) = tx.rows("SELECT * FROM sweeps WHERE id = ?", sweep_id)
    points = tx.rows("SELECT * FROM sweep_points WHERE sweep = ? ORDER BY number", sweep_id)
    return {"row": row, "points": points}


def _sweeps_of(tx: Transaction, points: Iterable[int]) -> set[int]:
    marks = json.dumps([*points])
    sql = "SELECT DISTINCT sweep FROM sweep_points WHERE id IN (SELECT value FROM json_each(?))"
    return {row["sweep"] for row in tx.rows(sql, marks)}


def _is_news(tx: Transaction, trial_id: int, newest: int, record: _Document | None) -> bool:
    """Say whether the database lacks a trial of which there is a record, or knows less of it."""
    missing = not tx.rows("SELECT id FROM trials WHERE id = ?", trial_id)
    return record is not None and (missing or _seq(record) > newest)


def _adopt_trial(tx: Transaction, trial_id: int, record: Any) -> bool:
    """Put a trial's row and its leases in; say whether the record could be read."""
    try:
        with tx.savepoint():
            row = {name: value for name, value in record["row"].items() if name != "id"}
            for name, table in {"parent": "trials", "leader": "trials", "sweep": "sweeps"}.items():
                if not tx.rows(f"SELECT id FROM {table} WHERE id = ?", row[name]):
                    row[name] = None
            tx.put("trials", trial_id, **row)
            for lease in record["leases"]:
                _put_lease(tx, lease | {"trial_id": trial_id})
    except (apsw.Error, KeyError, TypeError, AttributeError):
        return False
    return True


def _put_lease(tx: Transaction, lease: _Document) -> None:
    """Put a lease in; one that is held, only where no other trial holds the device."""
    held = "SELECT id FROM leases WHERE device = ? AND stop IS NULL"
    if lease["stop"] is None and tx.rows(held, lease["device"]):
        return
    tx.insert("leases", **{name: value for name, value in lease.items() if name != "id"})


def _adopt_sweep(tx: Transaction, newest: int, record: _Document | None) -> None:
    if _seq(record) <= newest or record is None:
        return
    with contextlib.suppress(apsw.Error, KeyError, TypeError, AttributeError), tx.savepoint():
        sweep_id = record["row"].pop("id")
        tx.put("sweeps", sweep_id, **record["row"])
        tx.delete("sweep_points", "sweep", [sweep_id])
        for point in record["points"]:
            tx.insert("sweep_points", **{n: v for n, v in point.items() if n != "id"})


def _adopt_rows(tx: Transaction, table: str, rows: Any) -> None:
    """Put the rows in that come after the last one of a table that only grows."""
    last = tx.value(f"SELECT max(id) FROM {table}") or 0
    with contextlib.suppress(apsw.Error, KeyError, TypeError, AttributeError), tx.savepoint():
        for row in rows or []:
            if row["id"] > last:
                tx.insert(table, **row)


def _seq(document: _Document | None) -> int:
    seq = (document or {}).get("seq")
    return seq if isinstance(seq, int) else 0


def _write(path: Path, document: _Document) -> None:
    write_cache(path, json.dumps(document).encode())
