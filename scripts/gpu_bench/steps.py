"""The speed of a run's steps, in a process of its own: figures of the run's own train records."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pawn_core.config import RunConfig, parse_config
from pawn_core.data.sequences import Batch
from pawn_core.runtime import Runtime, resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.training.learning import Learning
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.trainer import build_run

WARM_UP_STEPS = 20  # packed rows have two shapes, each compiled and, with graphs, recorded
WINDOWS = 3
_NOT_OF_THE_WAY = {"parameters"}


def runtime_of(config: RunConfig, attributes: Mapping[str, Any]) -> Runtime:
    """Return where and how a config computes, with what no config can choose.

    Raises:
        ValueError: `Runtime` has no such attribute.
    """
    runtime = resolve_runtime(config)
    names = {attribute.name for attribute in fields(runtime)}
    if unknown := sorted(attributes.keys() - names):
        raise ValueError(f"Runtime has no attribute {unknown[0]!r}")
    return replace(runtime, **attributes)


class Built(NamedTuple):
    """A run that writes nothing."""

    run: Run
    learning: Learning
    runtime: Runtime
    events: dict[str, str]
    """Messages of its events, by name: a way that was given up, for one."""

    def way(self) -> dict[str, Any]:
        """Return how it computes, as a run's own records tell it."""
        facts = self.learning.describe()
        way = {name: fact for name, fact in facts.items() if name not in _NOT_OF_THE_WAY}
        return way | {"events": self.events}


@contextmanager
def built(given: Mapping[str, Any], attributes: Mapping[str, Any]) -> Generator[Built]:
    """Build a run, and close it in the end."""
    config = parse_config(dict(given))
    setup = Setup(config, Path("unwritten"), runtime_of(config, attributes), StopFlag())
    if setup.runtime.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(setup.runtime.device)
    run = build_run(setup, metrics=None)
    assert isinstance(run.task, Learning)
    events = dict[str, str]()
    run.event = lambda name, message, **_: events.update({name: message})  # pyrefly: ignore
    try:
        yield Built(run, run.task, setup.runtime, events)
    finally:
        run.task.close()


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train a few steps and return what one takes: the median of three windows of steps."""
    with built(job["fields"], job["runtime"]) as it:
        run, learning = it.run, it.learning
        timed(run, 1)
        first_step_s = time.time() - job["launched"]
        timed(run, WARM_UP_STEPS - 1)
        windows = [_window(run, learning, job["steps"]) for _ in range(WINDOWS)]
        batches = [learning.learners[0].task.make_batch(index) for index in range(4)]
        return {
            **sorted(windows, key=lambda window: window["step_s"])[WINDOWS // 2],
            "padding": _padding([part for parts in batches for part in parts]),
            "first_step_s": first_step_s,
            "way": it.way(),
        }


def timed(run: Run, steps: int) -> float:
    """Do steps and return their seconds."""
    begin = time.perf_counter()
    for _ in range(steps):
        run.advance()
    run.task.check()  # waits for the device
    return time.perf_counter() - begin


def _window(run: Run, learning: Learning, steps: int) -> dict[str, Any]:
    """Return the train record of a window of steps, the models' shares of the peak added up."""
    for learner in learning.learners:
        learner.stats.take()
    timed(run, steps)
    records = [learner.stats.take() for learner in learning.learners]
    shares = [record["mfu"] for record in records]
    mfu = None if None in shares else sum(share for share in shares if share is not None)
    names = ("step_s", "games_per_s", "data_wait_s", "device_memory_bytes", "loss")
    return {name: records[0][name] for name in names} | {"mfu": mfu}


def _padding(parts: list[Batch]) -> float:
    """Return the share of the computed tokens that belong to no game."""
    needed = sum(part.units for part in parts)
    return 1 - needed / sum(part.tokens_bt.numel() for part in parts)
