"""`pawn-lab checkin`: what a loop of check-ins has to read, and no more."""

import contextlib
import json
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from cyclopts import App, Parameter

from pawn_lab.alarms.watching import Watcher
from pawn_lab.alarms.webhook import Webhook
from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.documents import own_folder, read_json_object, write_cache
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Event, Severity
from pawn_lab.reporting.headline import decisions
from pawn_lab.reporting.health import is_trouble
from pawn_lab.states import ACTIVE, State
from pawn_lab.tools.events import EventRow
from pawn_lab.tools.status import RunningRow, StatusAnswer, lab_status
from pawn_lab.tools.values import Answer, Number, Table

DECIDE = 10
"""Exit code of a check-in after which somebody has to decide something."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_MOST_EVENTS = 20
_LAST_LINES = 3
_MOST_TOKENS = 20_000


class LogTail(Answer):
    """The end of a running trial's log."""

    trial_id: int
    log: str


class CheckInAnswer(Answer):
    """What needs a decision and what is new since the last check-in of the same name."""

    headline: str
    decide: bool
    events: Table[EventRow]
    left_out: str | None = None
    next_check_s: int | None = None


class FullAnswer(CheckInAnswer):
    """Besides: what runs, waits and was spent, and who watches."""

    running: Table[RunningRow]
    logs: Table[LogTail]
    waiting: int
    cost_total: Number = None
    machine_total: Number = None
    idle_share: Number = None
    watch: str


def add_check_in_command(app: App) -> None:
    """Register the command."""
    app.command(checkin)


def checkin(
    *,
    mini: Annotated[bool, Parameter(negative=(), help="As without it.")] = False,
    full: Annotated[bool, Parameter(negative=(), help="What runs, waits and costs too.")] = False,
    name: Annotated[str, Parameter(name="--as", help="Whose check-ins these are.")] = "loop",
    options: Options = DEFAULTS,
) -> None:
    """Show what needs a decision, and what is new since your last check-in; exit 10: decide.

    --mini, as without an option: the headline and the events, for every few minutes. --full, for
    every hour: what runs with the end of its log, what waits, cost, and who watches besides.
    How far each name has read is kept in the workspace.
    """
    if mini and full:
        raise InvalidRequestError("--mini or --full: one of the two")
    with options.existing_lab() as lab, lab.one_pass():
        lab.tick()
        read = _Read.of(lab.paths, name)
        events, cursor = _news(lab, read.cursor or 0)
        answer = (_full if full else _mini)(lab, events, is_first=read.cursor is None)
        options.show(answer.masked(), lab.paths)
        sys.stdout.flush()  # what was not told must not count as told
        read.upto(cursor)
    if answer.decide:
        sys.exit(DECIDE)


class _Read(NamedTuple):
    """How far the check-ins of a name have read."""

    file: Path
    cursor: int | None
    """None before its first."""

    @classmethod
    def of(cls, paths: WorkspacePaths, name: str) -> Self:
        """Return where a name's next check-in begins.

        Raises:
            InvalidRequestError: the name would not do as one of a file.
        """
        if not _NAME.fullmatch(name):
            raise InvalidRequestError(
                f"--as {name[:60]!r} is not allowed: up to 40 letters, digits, '.', '_' and '-'"
            )
        file = paths.check_in(name)
        cursor = (read_json_object(file, paths.root) or {}).get("cursor")
        return cls(file, max(0, cursor) if isinstance(cursor, int) else None)

    def upto(self, cursor: int) -> None:
        """Keep how far it has read now; without room on the disk the same is told again."""
        with contextlib.suppress(OSError):
            own_folder(self.file.parent)
            write_cache(self.file, json.dumps({"cursor": cursor}).encode())


def _news(lab: Lab, since: int) -> tuple[list[Event], int]:
    """Return what happened after a cursor, but for what a queue does by itself; and the next one.

    A cursor that the log has not reached, as after a backup was put back, begins at its end.
    """
    cursor = min(since, queries.latest_event(lab))
    events: list[Event] = []
    for page in queries.event_pages(lab, cursor):
        events += [event for event in page.events if event.kind not in ACTIVE]
        cursor = page.cursor
    return events, cursor


def _mini(lab: Lab, events: list[Event], *, is_first: bool) -> CheckInAnswer:
    status = lab_status(lab, max_tokens=_MOST_TOKENS)
    return CheckInAnswer(**_common(lab, status, events, is_first))


def _full(lab: Lab, events: list[Event], *, is_first: bool) -> FullAnswer:
    status = lab_status(lab, max_tokens=_MOST_TOKENS)
    return FullAnswer(
        **_common(lab, status, events, is_first),
        running=status.running,
        logs=[_tail(lab, row.trial_id) for row in status.running],
        waiting=status.counts.get(State.QUEUED, 0),
        cost_total=status.cost_total,
        machine_total=status.machine_total,
        idle_share=status.idle_share,
        watch=_watch(lab.paths),
    )


def _common(lab: Lab, status: StatusAnswer, events: list[Event], is_first: bool) -> dict[str, Any]:
    shown = events[-_MOST_EVENTS:]
    further = len(events) - len(shown)
    return {
        "headline": status.headline,
        "decide": _needs_decision(lab, status, [] if is_first else events),
        "events": [EventRow.of(event) for event in shown],
        "left_out": f"{further} earlier events; pawn-lab events shows them" if further else None,
        "next_check_s": status.next_check_s,
    }


def _needs_decision(lab: Lab, status: StatusAnswer, news: list[Event]) -> bool:
    """Say whether anything waits for somebody, or something went wrong since the last look."""
    ailing = {row.trial_id: row.health for row in status.running if is_trouble(row.health)}
    return (
        lab.refusal is not None
        or any(event.severity.reaches(Severity.WARNING) for event in news)
        or bool(decisions(queries.glance(lab), queries.devices(lab), ailing))
    )


def _tail(lab: Lab, trial_id: int) -> LogTail:
    excerpt = queries.log(lab, trial_id, lines=_LAST_LINES)
    return LogTail(trial_id=trial_id, log=" | ".join(line.strip() for line in excerpt.lines))


def _watch(paths: WorkspacePaths) -> str:
    """Say who watches, and where events go."""
    watcher, hook = Watcher.of(paths), Webhook.of(paths)
    to = f"; from {hook.min_severity} on to {hook.place}" if hook else "; no webhook"
    if watcher is None:
        return f"nobody: `pawn-lab watch` raises and delivers alarms{to}"
    stops = ", stops the machine when it idles" if watcher.stops_when_idle else ""
    return f"process {watcher.pid} for {(time.time() - watcher.since) / 3600:.1f} h{stops}{to}"
