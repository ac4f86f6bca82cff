"""Measure the lab against its promises, on 1,000 trials and 10,000 events, as a Markdown table.

Everything is real: the database, the shims, a server process over stdio. Only the trainer is a
process that waits, since what is measured is the lab. Ends with code 1 where a bound is exceeded.
"""

import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from pawn_core.config import parse_config
from pawn_core.metrics import MetricsWriter
from pawn_lab.hosting import keep_loaded
from pawn_lab.lab import Lab, killing, queries
from pawn_lab.states import ACTIVE, State
from pawn_lab.store import Database, events, trials
from pawn_lab.tools import TOOLS

TRIALS, EVENTS, RUNNING = 1000, 10_000, 4
ENDED, QUEUED, RECORDS_EACH = 1500, 500, 200
"""Of the large workspace: 2,000 trials, 300,000 records; every tenth of these is an evaluation."""
CALLS, LAUNCHES, STARTS = 100, 100, 5
MIB = 1 << 20
WAITING = [sys.executable, "-S", "-c", "import signal; signal.pause()"]
CONFIG = {"variant": "toy", "local_checkpoints": True, "total_steps": 1000}
SERVER = Path(sys.executable).with_name("pawn-lab")
BY_NAME = {tool.name: tool for tool in TOOLS}


class Figure(NamedTuple):
    """A measured value beside the most it may be."""

    what: str
    value: float
    bound: float
    unit: str
    cpu: float | None = None
    """Of the same calls, the time that this machine's other work cannot lengthen."""

    def row(self) -> str:
        """Return a row of the table."""
        cpu = "" if self.cpu is None else f"{self.cpu:.3g} {self.unit}"
        measured = f"{self.value:.3g} {self.unit}"
        return f"| {self.what} | {measured} | {cpu} | {self.bound:g} {self.unit} |"


def fill(lab: Lab) -> None:
    """Add ended trials with their events, up to the promised numbers."""
    config = parse_config(CONFIG).model_dump(mode="json")
    columns: dict[str, Any] = {"config": config, "tags": ["bench"], "hypothesis": None}
    columns |= {"priority": 0, "trainer": WAITING, "limits": {}, "request_hash": ""}
    database = Database.open(lab.paths)
    with database.write() as tx:
        for _ in range(TRIALS - RUNNING):
            row = trials.get(tx, trials.insert(tx, "queued", **columns))
            row = trials.move(tx, row, State.LAUNCHING, "launching on cpu:0")
            row = trials.move(tx, row, State.RUNNING, "trainer started", started_at=tx.now)
            trials.move(tx, row, State.COMPLETED, "completed 1000 steps")
        while (count := events.last(tx)) < EVENTS:
            trial_id = 1 + count % (TRIALS - RUNNING)
            events.append(tx, "cost", "the machine costs 1 an hour", trial_id)
    database.close()


def fill_large(lab: Lab) -> None:
    """Add ended trials with metrics streams, and queued ones, each of another setting or seed."""
    database = Database.open(lab.paths)
    with database.write() as tx:
        for number in range(ENDED + QUEUED):
            config = CONFIG | {"lr": 1e-3 / (1 + number % 20), "seed": number // 20}
            columns: dict[str, Any] = {"config": parse_config(config).model_dump(mode="json")}
            columns |= {"tags": ["bench"], "hypothesis": None, "priority": 0, "trainer": WAITING}
            trial_id = trials.insert(tx, "queued", **columns, limits={}, request_hash="")
            if number < ENDED:
                row = trials.get(tx, trial_id)
                row = trials.move(tx, row, State.LAUNCHING, "launching on cpu:0")
                row = trials.move(tx, row, State.RUNNING, "trainer started", started_at=tx.now)
                trials.move(tx, row, State.COMPLETED, "completed 1000 steps")
                write_stream(lab, trial_id)
    database.close()


def write_stream(lab: Lab, trial_id: int) -> None:
    """Write records as a trainer does: of training, and every tenth of an evaluation."""
    paths = lab.paths.trial(trial_id)
    paths.run.mkdir(parents=True)
    with MetricsWriter(paths.metrics) as writer:
        for number in range(1, RECORDS_EACH + 1):
            step = math.ceil(1000 * number / RECORDS_EACH)
            loss = 3 + 10 * step**-0.5 + trial_id / 1e5
            if number % 10:
                numbers = {"lr": 1e-3, "loss": loss, "grad_norm": 0.731, "tokens_per_s": 81234.5}
                numbers |= {"games_per_s": 241.5, "flops_per_s": 1.25e12, "mfu": None}
                numbers |= {"data_wait_s": 0.00123, "step_s": 0.2512, "device_memory_bytes": None}
                writer.write("train", step, numbers)
            else:
                numbers = {"val_loss": loss, "perplexity": math.exp(loss), "top1": 0.0731}
                numbers |= {"top5": 0.2712, "kl": loss - 3, "legal_rate": 0.912}
                writer.write("eval", step, numbers)


def at_scale(workspace: Path) -> list[Figure]:
    """Measure what looks at many trials, at the first call and at a later one."""
    with Lab.open(workspace, trainer=WAITING) as lab:
        fill_large(lab)
        keep_loaded()
        some = list(range(1, 11))
        asked: list[tuple[str, float, Callable[[], object]]] = [
            ("results", 10, lambda: call(lab, "lab_results")),
            ("results of 10", 0.5, lambda: call(lab, "lab_results", trial_ids=some)),
            ("compare", 10, lambda: call(lab, "lab_compare")),
            ("compare 10", 0.5, lambda: call(lab, "lab_compare", trial_ids=some)),
            ("plot 10", 1, lambda: call(lab, "lab_plot", trial_ids=some)),
            ("status", 1, lambda: call(lab, "lab_status")),
            ("dry run", 1, lambda: call(lab, "lab_launch", config=CONFIG, dry_run=True)),
        ]
        figures = []
        for what, bound, ask in asked:
            figures += [once(f"{what}, first", bound, ask), once(f"{what}, again", bound, ask)]
        stop(lab)
        return figures


def once(what: str, bound: float, call: Callable[[], object]) -> Figure:
    """Return what one call takes, in seconds of wall time and of CPU time."""
    before, used = time.perf_counter(), time.process_time()
    call()
    wall, cpu = time.perf_counter() - before, time.process_time() - used
    return Figure(f"{ENDED + QUEUED:,} trials: {what}", wall, bound, "s", cpu)


def timed(what: str, bound: float, call: Callable[[], object], count: int) -> Figure:
    """Return the 99th percentile of several calls, in wall time and in CPU time."""
    wall, cpu = [], []
    for _ in range(count):
        before, used = time.perf_counter(), time.process_time()
        call()
        wall.append(1e3 * (time.perf_counter() - before))
        cpu.append(1e3 * (time.process_time() - used))
    return Figure(f"{what}, p99 of {count}", p99(wall), bound, "ms", p99(cpu))


def p99(values: list[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def reading(lab: Lab) -> list[Figure]:
    """Measure calls that read, p99 of each."""
    calls: list[tuple[str, float, Callable[[], object]]] = [
        (f"all of {TRIALS:,} trials", 50, lambda: queries.trials(lab)),
        ("status", 50, lambda: call(lab, "lab_status")),
        ("page of 50 events", 10, lambda: call(lab, "lab_events", since=EVENTS // 2)),
        ("page of 1,000 events", 10, lambda: queries.events(lab, EVENTS - 1500, 1000)),
    ]
    return [timed(what, bound, call, CALLS) for what, bound, call in calls]


def call(lab: Lab, tool: str, **arguments: Any) -> dict[str, Any]:
    return BY_NAME[tool](lab, arguments).wire()


def launching(lab: Lab) -> list[Figure]:
    """Measure launches until they are acknowledged: with a free device, and into the queue."""
    seeds = itertools.count()  # a config that ran already would not be launched again

    def launch() -> dict[str, Any]:
        return call(lab, "lab_launch", config=CONFIG | {"seed": next(seeds)})

    return [
        timed("launch on a free device", 300, launch, RUNNING),
        timed("launch into the queue", 300, launch, LAUNCHES),
    ]


def serving(workspace: Path) -> list[Figure]:
    """Measure a server process: its start, its memory when it answers, and after a picture."""
    started, used = [], []
    for _ in range(STARTS):
        with Server(workspace) as server:
            started.append(server.start_s)
            used.append(sum(server.process.cpu_times()[:2]))
    with Server(workspace) as server:
        for tool in ("lab_status", "lab_events", "lab_results", "lab_notes") * 5:
            server.call(tool)
        memory = server.process.memory_info().rss / MIB
    return [
        Figure(f"server start, slowest of {STARTS}", max(started), 1.5, "s", max(used)),
        Figure("server memory after 20 calls", memory, 150, "MiB"),
    ]


class Server:
    """A server process over stdio, and how long it took to its first answer."""

    def __init__(self, workspace: Path) -> None:
        before = time.perf_counter()
        command = [SERVER, "mcp", "--workspace", workspace]
        self._pipe = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
        self.process = psutil.Process(self._pipe.pid)
        client = {"name": "bench", "version": "0"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        self._ask("initialize", hello)
        self.start_s = time.perf_counter() - before
        self._send({"method": "notifications/initialized"})

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.communicate()

    def call(self, tool: str) -> None:
        """Call a tool without arguments."""
        answer = self._ask("tools/call", {"name": tool, "arguments": {}})
        assert not answer["result"].get("isError"), answer

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._send({"id": 1, "method": method, "params": params})
        assert self._pipe.stdout
        return json.loads(self._pipe.stdout.readline())

    def _send(self, message: dict[str, Any]) -> None:
        assert self._pipe.stdin
        self._pipe.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
        self._pipe.stdin.flush()


def measured(workspace: Path) -> list[Figure]:
    """Measure everything in one workspace, and leave nothing running."""
    with Lab.open(workspace, trainer=WAITING) as lab:
        fill(lab)
        keep_loaded()
        try:
            figures = launching(lab)
            return [*reading(lab), *figures, *serving(workspace)]
        finally:
            stop(lab)


def stop(lab: Lab) -> None:
    """Kill what is queued, then what runs, and wait for its end."""
    active = queries.trials(lab, states=ACTIVE)
    for trial in sorted(active, key=lambda trial: trial.state != State.QUEUED):
        killing.kill(lab, trial.id)
    while queries.trials(lab, states=ACTIVE):
        time.sleep(0.1)


def main() -> None:
    """Print the table; complain where a bound is exceeded."""
    os.environ |= {"PAWN_CPU_SLOTS": str(RUNNING), "CUDA_VISIBLE_DEVICES": ""}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        figures = measured(Path(folder) / "runs") + at_scale(Path(folder) / "large")
    print("| figure | measured | of that CPU | bound |\n|---|---|---|---|")
    print("\n".join(figure.row() for figure in figures))
    sys.exit(any(figure.value > figure.bound for figure in figures))


if __name__ == "__main__":
    main()
