"""Measure the dashboard on 1,000 trials of 10,000 points each, as a Markdown table.

Everything is real: the lab, `pawn-lab dashboard` as a process of its own, HTTP, and Chromium where
there is one. Only the streams are made up, and trials run on paper. Ends with code 1 where a bound
is exceeded.
"""

import argparse
import itertools
import json
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psutil

from pawn_core.config import parse_config
from pawn_lab.lab import Lab
from pawn_lab.locks import try_lock
from pawn_lab.records import Exit
from pawn_lab.states import State
from pawn_lab.store import Database, trials

SEEDS, STREAMS, EVERY = 5, 8, 50
"""Trials of a setting; streams that are made up, of which the others are copies; records an
evaluation."""
REPEATED = 5
MIB = 1 << 20
CONFIG = {"variant": "toy", "local_checkpoints": True, "eval_interval": 500}
PAWN_LAB = Path(sys.executable).with_name("pawn-lab")
CHROMIUM = shutil.which("chromium")
REFRESHED = 10, 1000
"""New points of a refresh."""


class Figure(NamedTuple):
    """A measured value beside the most it may be, if that is said."""

    what: str
    value: float
    unit: str
    bound: float | None = None
    cpu: float | None = None
    """The server's own time, which this machine's other work cannot lengthen."""

    def row(self) -> str:
        """Return a row of the table."""
        cpu = "" if self.cpu is None else f"{self.cpu:.3g} {self.unit}"
        bound = "" if self.bound is None else f"{self.bound:g} {self.unit}"
        return f"| {self.what} | {self.value:.3g} {self.unit} | {cpu} | {bound} |"

    @property
    def exceeded(self) -> bool:
        """Whether it is more than it may be."""
        return self.bound is not None and self.value > self.bound


def lines(first: int, count: int, chance: random.Random) -> bytes:
    """Return records of training, and every so manieth one of an evaluation, as a trainer's."""
    records = []
    for number in range(first, first + count):
        place = {"seq": number, "step": 10 * number, "time": 1.7e9 + number}
        loss = 3 + 10 * (10 * number) ** -0.5 + chance.gauss(0, 0.02)
        told = {"loss": loss, "lr": 1e-3, "grad_norm": chance.random()}
        speed = {
            "tokens_per_s": 81234.5 + chance.random(),
            "data_wait_s": 0.00123,
            "step_s": 0.2512,
        }
        records.append({"type": "train"} | place | told | speed)
        if number % EVERY == 0:
            judged = {"val_loss": loss, "top1": chance.random(), "legal_rate": chance.random()}
            records.append({"type": "eval"} | place | judged)
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@contextmanager
def filled(workspace: Path, count: int, points: int) -> Iterator[Path]:
    """Make a lab of ended trials and of one that runs as long as the block; yield its stream."""
    streams = [lines(1, points, random.Random(seed)) for seed in range(STREAMS)]
    with Lab.open(workspace) as lab, ExitStack() as held:
        paths = [lab.paths.trial(number) for number in _add_rows(lab, count, points)]
        for own, stream in zip(paths, itertools.cycle(streams), strict=False):
            own.run.mkdir(parents=True)
            own.metrics.write_bytes(stream)
        lock = try_lock(paths[-1].alive_lock)
        assert lock is not None, "nobody else has it"
        held.callback(os.close, lock)
        yield paths[-1].metrics


def _add_rows(lab: Lab, count: int, points: int) -> list[int]:
    """Put trials into the database that have ended, but for the last one; return their numbers."""
    database, numbers = Database.open(lab.paths), []
    how = Exit(code=0, signal=None, reason="completed", message="", step=10 * points)
    with database.write() as tx:
        for number in range(count):
            setting, seed = divmod(number, SEEDS)
            fields = {"lr": 1e-5 * (1 + setting), "seed": seed, "total_steps": 20 * points}
            config = parse_config(CONFIG | fields).model_dump(mode="json")
            columns: dict[str, Any] = {
                "config": config,
                "tags": [f"set-{setting // 10}"],
                "hypothesis": None,
            }
            columns |= {"priority": 0, "trainer": ["-"], "limits": {}, "request_hash": ""}
            row = trials.get(tx, trials.insert(tx, "queued", **columns))
            row = trials.move(tx, row, State.LAUNCHING, "launching", token=secrets.token_hex(8))
            row = trials.move(tx, row, State.RUNNING, "trainer started", started_at=tx.now)
            if number < count - 1:
                trials.move(tx, row, State.COMPLETED, "completed", exit=how)
            numbers.append(row.id)
    database.close()
    return numbers


class Server:
    """`pawn-lab dashboard` as a process, and what it answers."""

    def __init__(self, workspace: Path) -> None:
        command = [PAWN_LAB, "dashboard", "--port", "0", "--workspace", workspace]
        self._started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.process = psutil.Process(self._started.pid)
        assert self._started.stderr
        said = next(line for line in self._started.stderr if "dashboard http" in line)
        self.root = re.search(r"http://[^/\s]+", said)[0]  # type: ignore[index]

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._started.terminate()
        self._started.wait()

    def view(self, name: str, **arguments: Any) -> tuple[dict[str, Any], int]:
        """Return the answer of a view and its size in bytes, as it is without compression."""
        request = Request(f"{self.root}/api/view/{name}?{urlencode(arguments)}")
        with urlopen(request) as response:
            body = response.read()
        return json.loads(body), len(body)

    @property
    def cpu(self) -> float:
        """The seconds of processor time that it has used."""
        return sum(self.process.cpu_times()[:2])

    @property
    def memory(self) -> float:
        """The memory that it holds, in MiB."""
        return self.process.memory_info().rss / MIB


class Took(NamedTuple):
    """Milliseconds of several calls: the quickest, and the mean of the server's own time."""

    wall: float
    cpu: float
    answer: dict[str, Any]
    kilobytes: float

    def figures(self, what: str, bound: float) -> list[Figure]:
        """Return the rows of the table."""
        size = Figure(f"{what}, size", self.kilobytes, "kB")
        return [Figure(what, self.wall, "ms", bound, self.cpu), size]


def repeated(server: Server, ask: Callable[[], tuple[dict[str, Any], int]]) -> Took:
    """Ask several times."""
    before = server.cpu
    took = [timed(ask) for _ in range(REPEATED)]
    cpu = (server.cpu - before) / REPEATED
    _, (answer, size) = took[-1]
    return Took(1e3 * min(seconds for seconds, _ in took), 1e3 * cpu, answer, size / 1e3)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return what a call took in seconds, and what it returned."""
    before = time.perf_counter()
    returned = call()
    return time.perf_counter() - before, returned


def read_all(server: Server) -> None:
    """Ask for the table, and for means of all trials, until every stream is read."""
    answer, _ = server.view("trials")
    while answer["pending"]:
        answer, _ = server.view("trials", since=answer["cursor"])


def answers(server: Server, count: int, points: int) -> list[Figure]:
    """Measure what pages ask first, and a zoom."""
    some = ",".join(map(str, range(1, min(count, 20) + 1)))
    middle = {"low": 4 * points, "high": 4.2 * points}
    asked: list[tuple[str, dict[str, Any], float]] = [
        (f"table of {count:,} trials", {"name": "trials"}, 300),
        ("20 training curves", {"name": "curves", "trials": some, "metrics": "loss"}, 300),
        ("zoom of 20 curves", {"name": "curves", "trials": some, "metrics": "loss"} | middle, 300),
        (f"means of {count:,} trials", {"name": "curves", "singles": "false"}, 1000),
        (
            f"means of the training loss of {count:,} trials",
            {"name": "curves", "metrics": "loss", "singles": "false"},
            5000,
        ),
    ]
    figures = []
    for what, arguments, bound in asked:
        took = repeated(server, lambda own=arguments: server.view(**own))
        figures += took.figures(what, bound)
    return figures


class Refreshed:
    """Curves of which one grows, and the table: what a page asks at each tick."""

    def __init__(self, server: Server, stream: Path, count: int, points: int) -> None:
        self._server, self._stream = server, stream
        self._next, self._chance = points + 1, random.Random(1)
        latest = range(max(1, count - 19), count + 1)
        self._asked = {"trials": ",".join(map(str, latest)), "metrics": "loss"}
        self._curves = server.view("curves", **self._asked)[0]["cursor"]
        self._table = server.view("trials")[0]["cursor"]

    def curves(self, new: int) -> tuple[dict[str, Any], int]:
        """Let some points come, and ask for them."""
        with self._stream.open("ab") as file:
            file.write(lines(self._next, new, self._chance))
        self._next += new
        answer, size = self._server.view("curves", **self._asked, since=self._curves)
        assert not answer["whole"], "a refresh is no whole answer"
        self._curves = answer["cursor"]
        return answer, size

    def table(self) -> tuple[dict[str, Any], int]:
        """Ask for the rows that changed."""
        return self._server.view("trials", since=self._table)


def refreshes(server: Server, refreshed: Refreshed) -> list[Figure]:
    """Measure refreshes of curves and of the table after new points of one that runs."""
    figures = []
    for new in (0, *REFRESHED):
        took = repeated(server, lambda new=new: refreshed.curves(new))
        figures += took.figures(f"refresh of 20 curves, {new:,} new points", 50)
    took = repeated(server, refreshed.table)
    return figures + took.figures("refresh of the table, one trial changed", 50)


_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
"""Milliseconds since the page was asked for."""


def paints(server: Server) -> list[Figure]:
    """Measure in Chromium from the address to the first content, and to what a page is for."""
    if CHROMIUM is None:
        print("no Chromium: first paints are not measured", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    pages = {"overview": "main h1", "trials": "[role=row] a, tbody a", "curves": "canvas"}
    figures = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, shown in pages.items():
            page = browser.new_page()
            seconds, _ = timed(
                lambda page=page, name=name, shown=shown: (
                    page.goto(f"{server.root}/#/{name}"),
                    page.wait_for_selector(shown, timeout=60_000),
                )
            )
            painted = page.evaluate(_FIRST_PAINT)
            figures.append(Figure(f"first paint of {name}", painted / 1e3, "s", 1))
            figures.append(Figure(f"{name} shown", seconds, "s"))
            page.close()
        browser.close()
    return figures


def measured(workspace: Path, count: int, points: int) -> list[Figure]:
    """Measure everything in one lab: streams that nobody has read, then a server that starts."""
    with filled(workspace, count, points) as stream:
        with Server(workspace) as server:
            cold, _ = timed(lambda: read_all(server))
        with Server(workspace) as server:
            figures = [Figure(f"reading {count:,} streams for the first time", cold, "s")]
            figures += paints(server)
            figures += answers(server, count, points)
            figures += refreshes(server, Refreshed(server, stream, count, points))
            return [*figures, Figure("server memory after all of it", server.memory, "MiB", 150)]


def main() -> None:
    """Print the table; complain where a bound is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--points", type=int, default=10_000, help="of each trial")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        figures = measured(Path(folder) / "runs", asked.trials, asked.points)
    print("| figure | measured | of that the server's CPU | bound |\n|---|---|---|---|")
    print("\n".join(figure.row() for figure in figures))
    sys.exit(any(figure.exceeded for figure in figures))


if __name__ == "__main__":
    main()
