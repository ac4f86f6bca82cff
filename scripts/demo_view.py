"""The demo's live view: what `lab_events` and `lab_status` answer, as a person likes to see it."""

import time
from typing import Any, Self

import anyio
from demo_client import LabClient, TrialFailedError
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

POLL_S = 1.0


class LiveView:
    """Events as lines, bars of the running trials below them; only lines without a terminal."""

    def __init__(self) -> None:
        self.console = Console()
        self._bars = Progress(
            TextColumn("trial {task.fields[trial]:>2}  {task.fields[tags]:<18}"),
            BarColumn(bar_width=32),
            TextColumn("step {task.completed:>4.0f}/{task.total:.0f}  {task.fields[note]}"),
            console=self.console,
        )
        self._tasks: dict[int, TaskID] = {}
        self._summary = Text()
        self._live = Live(Group(self._summary, self._bars), console=self.console, transient=True)
        self._cursor = 0
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, message: str) -> None:
        """Print one line above the bars, with the seconds since the start."""
        self.console.print(Text(f"{time.monotonic() - self._started:6.1f} s  {message}"))

    async def watch(self, lab: LabClient, until_ended: int | None = None) -> None:
        """Poll until nothing is active, or until that many trials have ended."""
        while True:
            await self._print_events(lab)
            status = await lab.call("lab_status")
            self._show(status)
            ended = _ended(status["counts"])
            if not (status["running"] or status["waiting"]) or ended >= (until_ended or ended + 1):
                return
            await anyio.sleep(POLL_S)

    async def _print_events(self, lab: LabClient) -> None:
        page = await lab.call("lab_events", since=self._cursor, limit=500)
        if page.get("unchanged"):
            return
        for event in page["events"]:
            trial = f"trial {event['trial_id']}: " if "trial_id" in event else ""
            self.say(trial + event["message"])
            if event["kind"] in ("failed", "lost"):
                log = await lab.call("lab_log", trial_id=event["trial_id"], lines=20)
                raise TrialFailedError(trial + event["message"] + "\n" + log["text"])
        self._cursor = page["cursor"]

    def _show(self, status: dict[str, Any]) -> None:
        self._summary.plain = f"{status['headline']}  cost ${status.get('cost_total', 0):.4f}"
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


def _ended(counts: dict[str, int]) -> int:
    return sum(n for state, n in counts.items() if state not in ("queued", "launching", "running"))
