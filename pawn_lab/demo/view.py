"""The demo's live view: what `lab_events` and `lab_status` answer, as a person likes to see it.

It has a connection of its own, beside that of the agent: an agent would not look every second.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple, Self

import anyio
from anyio.abc import TaskStatus
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from pawn_lab.demo.client import LabClient

POLL_S = 1.0


class Work(NamedTuple):
    """The steps of the whole study: explorations to the pause, winners from there to the end."""

    explorations: int
    winners: int
    pause: int
    total: int

    def steps(self) -> int:
        """Return how many there are."""
        return self.explorations * self.pause + self.winners * (self.total - self.pause)

    def done(self, status: dict[str, Any]) -> int:
        """Return how many are done, from an answer of lab_status."""
        paused, completed = (status["counts"].get(state, 0) for state in ("paused", "completed"))
        completed = min(completed, self.winners)  # what evaluates them comes after
        running = sum(self._own_steps(row) for row in status["running"])
        return paused * self.pause + completed * (self.total - self.pause) + running

    def _own_steps(self, row: dict[str, Any]) -> int:
        """Return the steps of a running trial itself: a winner begins at the pause."""
        begun_at = {self.pause: 0, self.total: self.pause}.get(row.get("of", 0))
        return 0 if begun_at is None else max(0, row.get("step", 0) - begun_at)


class LiveView:
    """Events as lines, bars of the running trials below them; only lines without a terminal."""

    def __init__(self, work: Work) -> None:
        self.console = Console()
        self._work = work
        self._whole = Progress(
            TextColumn("whole study"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=self.console,
            expand=True,
        )
        self._bars = Progress(
            TextColumn("trial {task.fields[trial]:>2}  {task.fields[tags]:<18}"),
            BarColumn(bar_width=None),
            TextColumn("step {task.completed:>4.0f}/{task.total:.0f}  {task.fields[note]}"),
            console=self.console,
            expand=True,
        )
        self._all = self._whole.add_task("", total=work.steps())
        self._tasks: dict[int, TaskID] = {}
        self._summary = Text()
        shown = Group(self._summary, self._whole, self._bars)
        self._live = Live(shown, console=self.console, transient=True)
        self._cursor, self._turn = 0, anyio.Lock()
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, message: str) -> None:
        """Print one line above the bars, with the seconds since the start."""
        self.console.print(Text(f"{time.monotonic() - self._started:6.1f} s  {message}"))

    async def follow(
        self, workspace: Path, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Show what happens in a workspace, until cancelled."""
        async with LabClient(workspace) as lab:
            task_status.started()
            while True:
                await self.refresh(lab)
                await anyio.sleep(POLL_S)

    async def refresh(self, lab: LabClient) -> None:
        """Print what has happened, once each, and show what runs."""
        async with self._turn:
            page = await lab.call("lab_events", since=self._cursor, limit=500)
            self._cursor = page.get("cursor", self._cursor)
            for event in page.get("events", ()):
                trial = f"trial {event['trial_id']}: " if "trial_id" in event else ""
                self.say(trial + event["message"])
        self._show(await lab.call("lab_status"))

    def _show(self, status: dict[str, Any]) -> None:
        self._summary.plain = f"{status['headline']}  cost ${status.get('cost_total', 0):.4f}"
        self._whole.update(self._all, completed=self._work.done(status))
        running = {row["trial_id"]: row for row in status["running"]}
        for trial in self._tasks.keys() - running.keys():
            self._bars.remove_task(self._tasks.pop(trial))
        for trial, row in running.items():
            self._update(trial, row)

    def _update(self, trial: int, row: dict[str, Any]) -> None:
        if trial not in self._tasks:
            self._tasks[trial] = self._bars.add_task("", trial=trial, tags="", note="", total=1)
        self._bars.update(
            self._tasks[trial],
            completed=row.get("step", 0),
            total=row.get("of", 1),
            tags=", ".join(row["tags"]),
            note=_note(row),
        )


def _note(row: dict[str, Any]) -> str:
    parts = {"loss": "loss", "val_loss": "val", "eta_s": "ETA s"}
    return "  ".join(f"{label} {row[name]}" for name, label in parts.items() if name in row)
