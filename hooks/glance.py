"""A lab at a glance: of the standard library only, in milliseconds, and nothing is written.

The names of files are those of `pawn_lab.paths`, which takes longer to import than all that a quick
hook does; a test compares them.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes longer to import than a hook to run
    from collections.abc import Callable, Iterator

WORKSPACE_VARIABLE = "PAWN_WORKSPACE"
WORKSPACE = "runs"
DATABASE = "lab.db"
NOTES = "lab-notes.md"
OF_COMPACTION = ("Compaction summary", "Lab at compaction")

_BUSY_S = 0.05
_MOST_LISTED = 8


def find_lab(project: str) -> str | None:
    """Return the folder of the lab that a project has, or None; as `default_workspace` does."""
    if chosen := os.environ.get(WORKSPACE_VARIABLE):
        folder = os.path.join(project, chosen)
        return folder if _is_lab(folder) else None
    for folder in _upwards(os.path.abspath(project)):
        for root in (folder, os.path.join(folder, WORKSPACE)):
            if _is_lab(root):
                return root
    return None


def _upwards(start: str) -> "Iterator[str]":
    """Yield a folder and those around it, as far as `pawn_lab.paths` goes."""
    folder, home = start, os.path.expanduser("~")
    while folder == start or folder not in (home, os.path.dirname(folder)):
        yield folder
        if os.path.exists(os.path.join(folder, ".git")) or folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)


def _is_lab(folder: str) -> bool:
    return any(os.path.lexists(os.path.join(folder, name)) for name in (DATABASE, NOTES))


class Glance:
    """What a lab does: trials by state, those that run and wait, the newest result, the cursor."""

    def __init__(self, rows: "Callable[[str], list]") -> None:
        self.counts = dict(rows("SELECT state, count(*) FROM trials GROUP BY state"))
        holding = "SELECT id FROM trials WHERE state IN ('launching', 'running') ORDER BY id"
        self.running = [number for (number,) in rows(holding)]
        queue = "SELECT id FROM trials WHERE state = 'queued' ORDER BY priority DESC, id"
        self.queued = [number for (number,) in rows(queue)]
        [(self.cursor,)] = rows("SELECT coalesce(max(seq), 0) FROM events")
        newest = (
            "SELECT id, state, ended_at FROM trials WHERE ended_at IS NOT NULL "
            "AND noted_at IS NULL AND archived_at IS NULL ORDER BY ended_at DESC LIMIT 1"
        )
        self.unnoted = next(iter(rows(newest)), None)
        """Number, state and end (Unix seconds) of the newest result that no note names."""


def look(folder: str) -> Glance | None:
    """Read a lab's database; None where there is none, or it cannot be read now.

    At rest it is read as a file that nobody changes; while a lab holds it open, by the index in
    shared memory that is there: SQLite would make the files that it lacks.
    """
    path = os.path.join(folder, DATABASE)
    if not os.path.exists(path):
        return None
    import sqlite3

    open_now = os.path.exists(f"{path}-wal")
    how = "mode=ro&readonly_shm=1" if open_now else "immutable=1"
    try:
        database = sqlite3.connect(f"file:{_quoted(path)}?{how}", timeout=_BUSY_S, uri=True)
        try:
            return Glance(lambda query: database.execute(query).fetchall())
        finally:
            database.close()
    except sqlite3.Error:
        return None


def _quoted(path: str) -> str:
    """Return a path for a URI; urllib takes longer to import than the database to be read."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def listed(numbers: list) -> str:
    """Return the first of some numbers, and how many there are besides."""
    further = len(numbers) - _MOST_LISTED
    text = ", ".join(map(str, numbers[:_MOST_LISTED]))
    return f"{text} and {further} more" if further > 0 else text


def last_note(folder: str) -> float:
    """Return when a note was last written by hand, in Unix seconds; 0 where none was.

    The summaries of compactions are no notes.
    """
    path = os.path.join(folder, NOTES)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return 0.0
    sections = ("\n" + text).split("\n## ")[1:]
    by_hand = [part for part in sections if not part.startswith(OF_COMPACTION)]
    dates = [date for date in map(_date, by_hand) if date]
    if by_hand and not dates:
        return os.path.getmtime(path)  # a person's, who writes no dates
    return max(dates, default=0.0)


def _date(section: str) -> float | None:
    """Return the end of the minute in `_2026-11-28 09:30 UTC_` below a section's title."""
    from datetime import UTC, datetime

    line = section.partition("\n")[2].partition("\n")[0].strip()
    try:
        minute = datetime.fromisoformat(line.removeprefix("_").removesuffix(" UTC_"))
    except ValueError:
        return None
    return minute.replace(tzinfo=UTC).timestamp() + 60.0
