"""Search the settings of adapters: a sweep of the lab for each strategy, one after the other.

    sweep.py --adapter lora --n-trials 30 --n-jobs 2 --checkpoint trial:3 --pgn games.pgn \\
        --pruner hyperband --local-checkpoints

Every other option is a field of the config (docs/configs.md), and what is given is not searched.
The same command goes on with a sweep that was begun; its trials need this script as little as any.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from pawn_core.config import ConfigError
from pawn_core.config.adapter import AdapterConfig
from pawn_core.config.adapters import ADAPTER_NAMES, adapter_named
from pawn_core.options import config_fields
from pawn_lab.cli.render import render
from pawn_lab.errors import LabError
from pawn_lab.lab import Lab, launching, sweeping
from pawn_lab.records import Sweep
from pawn_lab.store.sweeps import ACTIVE, COMPLETED
from pawn_lab.tools.results import lab_results
from pawn_lab.tools.sweep import sweep_answer
from pawn_lab.trials.checks import checked_config

BAD_INPUT, INTERRUPTED = 2, 130
LOOK_S = 2.0
FACTOR = 3
"""Of the trials at a rung, one in so many goes on."""
_RUNGS = 2
PRUNERS = {"hyperband": "asha", "median": "median", "none": None}
"""Rules of a sweep: hyperband's successive halving, without waiting for a whole bracket."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep as the command line says; 1 where a strategy has come to no value."""
    options, rest = parser().parse_known_args(arguments)
    try:
        with Lab.open() as lab:
            sweeps = list(searched(lab, options, config_fields(rest)))
            show_front(lab, sweeps)
    except (LabError, ConfigError) as error:
        print(f"sweep: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("sweep: it goes on by itself; see or stop it: pawn-lab sweep --help", file=sys.stderr)
        return INTERRUPTED
    return int(any(not _has_value(sweep) for sweep in sweeps))


def parser() -> argparse.ArgumentParser:
    """Return the options beside the fields of a config."""
    options = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    names = ",".join(ADAPTER_NAMES)
    options.add_argument("--adapter", required=True, type=_names, help=f"some of {names}")
    options.add_argument("--n-trials", type=int, default=30, help="trials of each strategy")
    options.add_argument("--n-jobs", type=int, default=1, help="trials at once")
    options.add_argument("--n-gpus", type=int, help="GPUs to use at most; default: all")
    options.add_argument("--pruner", choices=PRUNERS, default="hyperband")
    return options


def searched(lab: Lab, options: argparse.Namespace, fields: dict[str, Any]) -> Iterator[Sweep]:
    """Search one strategy after the other; yield each sweep when it has ended."""
    for name in options.adapter:
        started, _ = sweeping.start(lab, plan(lab, name, options, fields))
        print(f"{name}: sweep {started.id}, trials tagged {started.tag}", flush=True)
        ended = _ended(lab, started.id)
        render(sweep_answer(ended), Console())
        yield ended


def plan(
    lab: Lab, name: str, options: argparse.Namespace, fields: dict[str, Any]
) -> dict[str, Any]:
    """Return the plan of a strategy's sweep: TPE over what its registry entry searches.

    Raises:
        ConfigError, LabError: the config cannot run, or the options ask for what is not there.
    """
    config = {"run_type": "adapter", "strategy": name} | fields
    checked = launching.with_fixed_weights(lab, checked_config(config))
    assert isinstance(checked, AdapterConfig)
    places = checked.weights_fields | checked.path_fields.keys()
    space = {n: v for n, v in adapter_named(name).searched.items() if n not in fields}
    return {
        "config": config | {n: v for n in sorted(places) if (v := getattr(checked, n)) is not None},
        "space": space,
        "method": "tpe",
        "points": options.n_trials,
        "parallel": _at_once(lab, options.n_jobs, options.n_gpus),
        "early_stopping": _early_stopping(options.pruner, checked),
        "tags": [name],
    }


def _names(text: str) -> list[str]:
    try:
        return [adapter_named(name.strip()).name for name in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _at_once(lab: Lab, jobs: int, gpus: int | None) -> int:
    """Return how many trials may run at once: each has a device of its own."""
    if gpus is not None and gpus > len(lab.devices):
        raise ConfigError(f"n-gpus {gpus} is more than there are devices: {len(lab.devices)}")
    return jobs if gpus is None else min(jobs, gpus)


def _early_stopping(pruner: str, config: AdapterConfig) -> dict[str, Any] | None:
    """Return the rule of a sweep whose first rung is an evaluation early in the run."""
    rule, interval = PRUNERS[pruner], config.eval_interval
    assert interval is not None, "null is filled in"
    if rule is None:
        return None
    early = config.target // FACTOR**_RUNGS // interval * interval
    return {"rule": rule, "first_rung": max(interval, early), "factor": FACTOR}


def _ended(lab: Lab, sweep_id: int) -> Sweep:
    """Wait for a sweep's end, with a line for each point that is settled."""
    told = set[int]()
    while True:
        sweep = sweeping.get(lab, sweep_id)
        for point in sweep.points:
            if point.state != ACTIVE and point.number not in told:
                told.add(point.number)
                merit = sweep.config.kind.merit.metric
                print(f"point {point.number} {point.state}: {merit} {point.value}", flush=True)
        if sweep.state != ACTIVE:
            return sweep
        time.sleep(LOOK_S)


def show_front(lab: Lab, sweeps: Sequence[Sweep]) -> None:
    """Print which trials no other beats both in accuracy and in trained parameters."""
    trials = [trial for sweep in sweeps for point in sweep.points for trial in point.trials]
    answer = lab_results(lab, trial_ids=trials, front="parameters", metric="top1")
    render(answer, Console())


def _has_value(sweep: Sweep) -> bool:
    return sweep.state == COMPLETED and any(point.value is not None for point in sweep.points)


if __name__ == "__main__":
    sys.exit(main())
