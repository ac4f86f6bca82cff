"""Commands that go on until interrupted: what happens, what a trial prints, how the lab stands."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pawn_lab.cli.render import render
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Severity
from pawn_lab.states import ENDED
from pawn_lab.tools.events import TOOL as EVENTS
from pawn_lab.tools.events import EventRow, EventsAnswer
from pawn_lab.tools.log import TOOL as LOG
from pawn_lab.tools.log import LogAnswer
from pawn_lab.tools.questions import position
from pawn_lab.tools.status import TOOL as STATUS
from pawn_lab.tools.values import Answer

INTERVAL_S = 1.0
Show = Callable[[Answer], None]


def follow_events(lab: Lab, arguments: dict[str, Any], show: Show, least: Severity) -> None:
    """Show events that matter so much as they come, one at a time; never returns."""
    while True:
        answer = EVENTS(lab, arguments)
        assert isinstance(answer, EventsAnswer)
        for event in answer.events:
            if event.severity.reaches(least):
                show(event)
        arguments["since"] = answer.cursor
        if not answer.more:
            time.sleep(INTERVAL_S)


def notable_events(lab: Lab, arguments: dict[str, Any], least: Severity) -> EventsAnswer:
    """Return the latest events that matter so much, oldest first."""
    pages = queries.event_pages(lab, position(arguments.get("since")))
    limit = arguments.get("limit", EVENTS.arguments.model_fields["limit"].default)
    events = [e for page in pages for e in page.events if e.severity.reaches(least)][-limit:]
    answer = EventsAnswer(events=[*map(EventRow.of, events)], cursor=queries.latest_event(lab))
    return answer.with_check_in(lab).masked()


def follow_log(lab: Lab, arguments: dict[str, Any], write: Callable[[str], None]) -> None:
    """Write a trial's output as it comes, until the trial has ended."""
    while True:
        has_ended = queries.trial(lab, arguments["trial_id"]).state in ENDED
        answer = LOG(lab, arguments)
        assert isinstance(answer, LogAnswer)
        if not answer.unchanged and answer.text:
            write(answer.text)
        arguments["since"] = answer.cursor if answer.cursor is not None else arguments["since"]
        if has_ended:
            return
        time.sleep(INTERVAL_S)


def watch_status(lab: Lab, arguments: dict[str, Any], console: Console) -> None:
    """Keep the screen at what lab_status answers; never returns."""
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as screen:
        while True:
            screen.update(_drawn(STATUS(lab, arguments), console), refresh=True)
            time.sleep(INTERVAL_S)


def _drawn(answer: Answer, console: Console) -> Text:
    with console.capture() as capture:
        render(answer, console)
    return Text.from_ansi(capture.get())
