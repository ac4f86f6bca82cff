"""Measure pretraining on a GPU and print Markdown tables; without a GPU, say so and end well.

A self-test comes first: whether every way of computing learns on this device what plain float32
steps learn. Each row then trains as `pawn-train` does, with data workers, on 256 games of 512 plies
a step, in a process and with a cache of compiled code of its own. Its figures are those of the
run's own train records, medians of three windows of steps. Each row is printed as soon as it is
measured, and added to `bench_gpu.jsonl` in the folder of `--out`; one that fails says so, and the
next one is measured.

    python scripts/bench_gpu.py                          everything, most valuable first
    python scripts/bench_gpu.py --plan 10                what fits into ten minutes
    python scripts/bench_gpu.py bars --variants small    a section, of one size
    python scripts/bench_gpu.py --profile                where a step's time goes, by part
    python scripts/bench_gpu.py --learn 10               what base learns in ten minutes, by recipe
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from gpu_bench.children import Answer, Place, ask
from gpu_bench.jobs import (
    CHECK,
    GRPO,
    PROFILE,
    START,
    Job,
    checked_fields,
    chosen,
    jobs,
    main_variant,
    sections,
)
from gpu_bench.recipes import RECIPES, School
from gpu_bench.recipes import chosen as chosen_recipes
from gpu_bench.starts import starts
from gpu_bench.tables import LEARN, Report, rows_of

from pawn_core.machine import this_machine

LONGEST_JOB_S = 900.0
FIRST_START_S = 70.0
"""What a start and compiling take at most, until the first was measured."""
CHECK_SHARE = 1 / 3
"""Of a plan's time that may go by before the last way to be checked is begun."""
CHECKED_GAMES, CHECKED_PLIES = 8, 256


class Plan:
    """The time that is left, and how long what is next will take."""

    def __init__(self, minutes: float | None) -> None:
        self._end = None if minutes is None else time.monotonic() + 60 * minutes
        self._start_s = FIRST_START_S

    def left_s(self) -> float:
        """Return the seconds that a job may take at most."""
        left = LONGEST_JOB_S if self._end is None else self._end - time.monotonic()
        return max(0.0, min(left, LONGEST_JOB_S))

    def check_s(self) -> float:
        """Return the seconds after which no further way is checked."""
        return self.left_s() if self._end is None else CHECK_SHARE * self.left_s()

    def expects(self, job: Job) -> float:
        """Return the seconds that a job will take, by the starts that were measured."""
        return job.work_s + job.starts * self._start_s

    def has_time_for(self, job: Job) -> bool:
        """Tell whether a job fits into what is left."""
        return self._end is None or self.expects(job) <= self.left_s()

    def learned(self, answer: Answer) -> None:
        """Expect starts to take what the longest took so far, a little more."""
        if (seconds := answer.get("first_step_s")) is not None:
            known = 0.0 if self._start_s == FIRST_START_S else self._start_s
            self._start_s = max(known, 1.2 * seconds)


class Bench:
    """Does jobs, one after the other, and reports what they answer."""

    def __init__(self, options: argparse.Namespace, place: Place, report: Report) -> None:
        self._options, self._place, self._report = options, place, report
        self._plan = Plan(options.plan)

    def do(self, rows: Sequence[Job]) -> None:
        """Do the jobs that there is time for."""
        for number, job in enumerate(rows):
            if not self._plan.has_time_for(job):
                expected, left = self._plan.expects(job), self._plan.left_s()
                self._left_out(job, f"left out: about {expected:.0f} s, of {left:.0f} s left")
                continue
            for answer in self._answers(job, f"{number}-{job.kind}"):
                self._take(job, answer)

    def learn(self, minutes: float) -> None:
        """Train by each recipe for its share of the time."""
        recipes = chosen_recipes(self._options.recipes)
        shared = self._shared() | {"variant": main_variant(self._options.variants)}
        school = School(shared | self._asked(), self._place, 60 * minutes)
        for number, recipe in enumerate(recipes, start=1):
            for answer in school.learn(recipe, len(recipes) - number):
                self._take(Job(LEARN, recipe.name, LEARN), answer)

    def _answers(self, job: Job, cache: str) -> Iterator[Answer]:
        document = job.document() | self._details(job)
        if job.kind == START:
            return starts(document, self._place, cache, self._plan.left_s())
        if job.kind == CHECK:
            return self._checked(document, cache)
        return ask(document, self._place, cache, self._plan.left_s())

    def _checked(self, document: dict[str, Any], cache: str) -> Iterator[Answer]:
        """Check all ways, in another process after a way that has ended one."""
        passed_over, until = list[str](), time.time() + self._plan.check_s()
        trying: str | None = ""
        while trying is not None:
            trying = None
            further = {"passed_over": passed_over, "until": until}
            for answer in ask(document | further, self._place, cache, self._plan.left_s()):
                if "trying" in answer:
                    passed_over.append(trying := answer["trying"])
                    continue
                if "row" in answer:
                    trying = None
                yield answer if "failed" not in answer else {"row": trying or "all"} | answer

    def _take(self, job: Job, answer: Answer) -> None:
        """Print and keep an answer."""
        if "device" in answer:
            self._report.device(answer["device"])
            return
        self._plan.learned(answer)
        self._report.keep({"section": job.section, "name": job.name, **answer})
        if "ended" not in answer:
            heads, rows = rows_of(job.kind, job.name, answer)
            for cells in rows:
                self._report.row(heads, cells)

    def _left_out(self, job: Job, why: str) -> None:
        heads, rows = rows_of(job.kind, job.name, {"failed": why})
        self._report.row(heads, rows[0])

    def _shared(self) -> dict[str, Any]:
        """Return what every row's config has in common."""
        options = self._options
        return {
            "batch_size": options.batch_size,
            "max_seq_len": options.max_seq_len,
            "num_workers": options.num_workers,
            "device": options.device,
            "local_checkpoints": True,
        }

    def _asked(self) -> dict[str, Any]:
        """Return the fields set on the command line, which every config takes over."""
        given = dict(pair.split("=", 1) for pair in self._options.set)
        return {name: json.loads(value) for name, value in given.items()}

    def _details(self, job: Job) -> dict[str, Any]:
        """Return what a job is told beside what it measures."""
        asked = self._asked()
        if job.kind == CHECK:
            small = checked_fields(self._options.variants) | {"batch_size": CHECKED_GAMES}
            small["max_seq_len"] = min(self._options.max_seq_len, CHECKED_PLIES)
            return {"fields": self._shared() | small | asked}
        policy = {"policy": "gpt2", "grpo_steps": 8, "tokens": 100} if job.kind == GRPO else {}
        fields = self._shared() | dict(job.fields) | asked
        return policy | {"fields": fields, "steps": self._options.steps}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options; ends the program where it is wrong."""
    names = sections()
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    add = parser.add_argument
    add("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(names)}; default: all")
    add("--plan", type=float, metavar="MINUTES", help="do what fits into so many minutes")
    add("--profile", action="store_true", help="the section profile")
    add("--learn", type=float, metavar="MINUTES", help="train by recipes instead, so long in all")
    add("--recipes", nargs="+", metavar="NAME", default=[], choices=[r.name for r in RECIPES])
    add("--variants", nargs="+", metavar="NAME", default=["small", "base", "large"])
    add("--batch-size", type=int, default=256)
    add("--max-seq-len", type=int, default=512)
    add("--num-workers", type=int, default=4)
    add("--steps", type=int, default=30, help="of each of the three windows")
    add("--device", default="cuda")
    add("--set", action="append", default=[], metavar="FIELD=JSON", help="any field of the configs")
    add("--out", type=Path, default=os.environ.get("OUT"), help="folder of all that is written")
    options = parser.parse_args(arguments)
    if unknown := sorted({*options.sections} - {*names}):
        parser.error(f"section {unknown[0]!r} is unknown; one of: {', '.join(names)}")
    options.sections += [PROFILE] if options.profile else []
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; a SIGTERM ends it, and keeps what is there."""
    options = parse(arguments)
    if options.device != "cpu" and not this_machine().gpus:
        print("No GPU here: nothing was measured (scripts/bench_gpu.py).")
        return 0
    signal.signal(signal.SIGTERM, _stop)
    with ExitStack() as stack:
        folder = Path(options.out or stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        report = Report(folder / "bench_gpu.jsonl" if options.out else None)
        bench = Bench(options, Place(folder), report)
        if options.learn is not None:
            bench.learn(options.learn)
        else:
            bench.do(list(chosen(jobs(options.variants), options.sections)))
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    """End as after an exception: processes are killed, rows are printed and kept already."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
