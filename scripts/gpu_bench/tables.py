"""How answers are printed, and kept as JSON lines."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gpu_bench.jobs import CHECK, GRPO, PROFILE, START, STEPS
from gpu_bench.recipes import MEASURES

Cells = Sequence[str]
_WAY = ("attention", "compiled", "graph_of", "residual", "graphs", "weights_copy")
"""Facts of a run's record that tell its way; those that are there."""
_COMPILED = "compiled"
"""The event that says how long compiling took."""


class Report:
    """What is printed at once and kept in a file, so that a program cut off leaves all it had."""

    def __init__(self, file: Path | None) -> None:
        self._file, self._device = file, ""
        self._heads: Cells = ()

    def say(self, line: str) -> None:
        """Print a line that is no row."""
        self._heads = ()
        print(line, flush=True)

    def device(self, line: str) -> None:
        """Print what the figures are of, where it is not what was printed last."""
        if line != self._device:
            self._device = line
            self.say(f"\n{line}\n")

    def row(self, heads: Cells, cells: Cells) -> None:
        """Print a row, under a head of its own where the last row had another."""
        if tuple(heads) != self._heads:
            print("\n" + _line(heads) + "\n" + "|---" * len(heads) + "|", flush=True)
            self._heads = tuple(heads)
        print(_line([*cells, *[""] * (len(heads) - len(cells))]), flush=True)

    def keep(self, document: Mapping[str, Any]) -> None:
        """Add a line to the file, on the disk before this returns."""
        if self._file is None:
            return
        line = {"time": time.time(), "device": self._device, **document}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _line(cells: Cells) -> str:
    return "| " + " | ".join(cells) + " |"


STEP_HEADS = (
    *("", "step ms", "games/s", "useful MFU %", "data wait ms", "memory GiB", "padding %"),
    *("first step s", "way"),
)
CHECK_HEADS = (
    *("way", "", "gradients differ", "may by", "worst", "losses differ", "may by"),
    *("same gradients again", "how"),
)
START_HEADS = ("launch to first step, s", "cold", "again")
PROFILE_HEADS = ("part of a step", "forward ms", "backward ms", "update ms", "%", "a step")
LEARN_HEADS = ("recipe", "step", "seconds", *MEASURES)


def rows_of(kind: str, name: str, answer: Mapping[str, Any]) -> tuple[Cells, list[Cells]]:
    """Return the head and the rows of an answer to a job of a kind."""
    heads, cells = _FORMS[kind]
    if "failed" in answer:
        return heads, [(answer.get("row", name), answer["failed"])]
    return heads, cells(name, answer)


def steps_cells(name: str, answer: Mapping[str, Any]) -> list[Cells]:
    """Return a row of speed and memory."""
    memory, mfu = answer["device_memory_bytes"], answer["mfu"]
    cells = (
        f"{1e3 * answer['step_s']:.1f}",
        f"{answer['games_per_s']:,.0f}",
        "unknown" if mfu is None else f"{100 * mfu:.1f}",
        f"{1e3 * answer['data_wait_s']:.2f}",
        "-" if memory is None else f"{memory / 2**30:.1f}",
        f"{100 * answer['padding']:.1f}",
        f"{answer['first_step_s']:.1f}",
        way(answer),
    )
    return [(name, *cells)]


def check_cells(_: str, answer: Mapping[str, Any]) -> list[Cells]:
    """Return a row of differences from float32."""
    cells = (
        "PASS" if answer["passed"] else "FAIL",
        f"{answer['gradient']:.2g}",
        f"{answer['gradient_bound']:.2g}",
        answer["worst"],
        f"{answer['loss']:.2g}",
        f"{answer['loss_bound']:.2g}",
        "yes" if answer["repeats"] else "no",
        way(answer),
    )
    return [(answer["row"], *cells)]


def start_cells(name: str, answer: Mapping[str, Any]) -> list[Cells]:
    """Return a row of seconds to the first step."""
    return [(name, *(f"{seconds:.1f}" for seconds in answer["start_s"].values()))]


def profile_cells(name: str, answer: Mapping[str, Any]) -> list[Cells]:
    """Return a row of each part, and of what is left of the step."""
    whole = answer["whole_ms"]
    rows = [
        _part_cells(part, [row[f"{of}_ms"] for of in ("forward", "backward", "update")], row, whole)
        for part, row in answer["parts"].items()
    ]
    idle = whole - answer["busy_ms"]
    last = f"{name}: {whole:.1f} ms in all, {answer['step_ms']:.1f} unwatched"
    return [*rows, ("gaps", f"{idle:.2f}", "", "", f"{100 * idle / whole:.1f}"), (last,)]


def _part_cells(part: str, ms: list[float], row: Mapping[str, Any], step: float) -> Cells:
    times = (f"{x:.2f}" if x else "" for x in ms)
    return (part, *times, f"{100 * sum(ms) / step:.1f}", f"{row['count']:.0f}")


def figures_cells(_: str, answer: Mapping[str, Any]) -> list[Cells]:
    """Return a row for each figure of a script that has its own."""
    told = {name: value for name, value in answer.items() if name != "told"}
    return [(name, str(value)) for name, value in told.items()]


def learn_cells(name: str, answer: Mapping[str, Any]) -> list[Cells]:
    """Return a row of an evaluation."""
    measures = ("-" if answer[m] is None else f"{answer[m]:.4f}" for m in MEASURES)
    return [(name, f"{answer['step']:,}", f"{answer['seconds']:.0f}", *measures)]


def way(answer: Mapping[str, Any]) -> str:
    """Return in a few words how an answer's run computed."""
    facts = {name: answer["way"][name] for name in _WAY if name in answer["way"]}
    events = answer["way"]["events"].items()
    given_up = (message for name, message in events if name != _COMPILED)
    return "; ".join([*(f"{name} {fact}" for name, fact in facts.items()), *given_up])


LEARN = "learn"
_FORMS = {
    STEPS: (STEP_HEADS, steps_cells),
    CHECK: (CHECK_HEADS, check_cells),
    START: (START_HEADS, start_cells),
    PROFILE: (PROFILE_HEADS, profile_cells),
    GRPO: (("8 prompts x 8 completions", "figure"), figures_cells),
    LEARN: (LEARN_HEADS, learn_cells),
}
