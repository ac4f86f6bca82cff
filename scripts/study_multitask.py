"""Are the seven tasks learned, and do they help policy and value? Runs with and without them.

    python scripts/study_multitask.py --positions positions --out runs/study_multitask

For each seed one run learns policy, value and the seven tasks, and one policy and value alone. Both
begin with the same trunk and draw the same positions, so differences are paired by seed; `unhidden`
runs, if they are asked for, learn the tasks but for `piece`, and see every square. Prints Markdown:
skill on held-out positions by step, average precision of rare tasks, and the differences. Runs that
are there are not repeated.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from pawn_core.config import parse_config
from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.metrics import Record, read_records
from pawn_core.run_paths import RunPaths
from pawn_core.signals import StopFlag
from pawn_core.training.trainer import run_training
from pawn_lab.analysis import student_t

TAUGHT, ALONE = "taught", "alone"
ARMS: Mapping[str, Mapping[str, Any]] = {
    TAUGHT: {},
    ALONE: {"ssl_weight": 0.0},
    "unhidden": {"piece_mask_ratio": 0.0},
}
"""Kinds of runs, by what differs from a run with the seven tasks."""
TASKS = tuple(task.name for task in POSITION_TASKS)
_RANKED = ("threat", "pin", "fork")
_TRANSFER = ("val_loss", "policy_loss", "policy_top1", "policy_top5", "value_mse", "value_mae")
_TAIL = 0.025
_CONFIG: dict[str, Any] = {
    "run_type": "multitask",
    "variant": "tiny",
    "batch_size": 96,
    "lr": 2e-3,
    "ema_decay": 0.99,
    "log_interval": 100,
    "num_workers": 0,
    "device": "cpu",
    "amp_dtype": "none",
    "local_checkpoints": True,
}


def evaluations(out: Path, arm: str, seed: int, fields: Mapping[str, Any]) -> list[Record]:
    """Return the evaluations of a run, with `minutes` since it began; it is done if not there."""
    folder = out / f"{arm}_{seed}"
    if not RunPaths(folder).outcome.exists():
        config = parse_config({**_CONFIG, **fields, **ARMS[arm], "seed": seed})
        outcome = run_training(config, folder, None, StopFlag())
        assert outcome.reason == "completed", outcome.message
    records, _ = read_records(RunPaths(folder).metrics)
    began = records[0]["time"]
    evals = (record for record in records if record["type"] == "eval")
    return [record | {"minutes": (record["time"] - began) / 60} for record in evals]


def curve(run: Sequence[Record]) -> str:
    """Return the skill of each task by step: 0 is the base rate of the held-out positions."""
    rows = [
        [str(record["step"]), f"{record['minutes']:.1f}"]
        + [f"{record[f'{task}_skill']:.3f}" for task in TASKS]
        for record in run
    ]
    return table(["step", "minutes", *TASKS], rows)


def ranked(run: Sequence[Record]) -> str:
    """Return average precision by step: what knows nothing has the share of positive squares."""
    rows = [
        [str(record["step"]), *(f"{record[f'{task}_ap']:.3f}" for task in _RANKED)]
        for record in run
    ]
    return table(["step", *(f"{task}, average precision" for task in _RANKED)], rows)


def transfer(runs: Mapping[str, Sequence[Sequence[Record]]]) -> str:
    """Return what policy and value come to in each kind of run, and how much the tasks change it.

    runs: the evaluations of each kind, in the order of the seeds.
    """
    ends = {arm: [run[-1] for run in of_seeds] for arm, of_seeds in runs.items()}
    controls = [arm for arm in ends if arm != TAUGHT]
    rows = []
    for metric in _TRANSFER:
        values = {arm: [record[metric] for record in records] for arm, records in ends.items()}
        means = [f"{mean(values[arm]):.4f}" for arm in ends]
        rows.append([metric, *means, *(difference(values[TAUGHT], values[c]) for c in controls)])
    return table(["held out", *ends, *(f"less {control}" for control in controls)], rows)


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Return the mean difference of pairs, with its 95 % interval by Student's t."""
    pairs = [a - b for a, b in zip(ours, theirs, strict=True)]
    if len(pairs) < 2:
        return f"{pairs[0]:+.4f}"
    half = student_t.quantile(1 - _TAIL, len(pairs) - 1) * stdev(pairs) / len(pairs) ** 0.5
    return f"{mean(pairs):+.4f} ({mean(pairs) - half:+.4f} to {mean(pairs) + half:+.4f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def study(out: Path, seeds: Sequence[int], arms: Sequence[str], fields: Mapping[str, Any]) -> str:
    """Return all tables; runs of a seed come one after the other."""
    runs: dict[str, list[list[Record]]] = {arm: [] for arm in arms}
    for seed in seeds:
        for arm in arms:
            runs[arm].append(evaluations(out, arm, seed, fields))
    taught = runs[TAUGHT][0]
    return "\n\n".join([curve(taught), ranked(taught), transfer(runs)])


def main() -> None:
    """Do the study and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--positions", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--evaluations", type=int, default=6, help="of each run")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=[TAUGHT, ALONE])
    parser.add_argument("--config", type=json.loads, default={}, help="fields that differ")
    options = parser.parse_args()
    if TAUGHT not in options.arms:
        parser.error(f"--arms lacks {TAUGHT!r}, which the others are compared with")
    torch.set_num_threads(1)
    interval = max(1, options.steps // options.evaluations)
    length = {"total_steps": options.steps, "eval_interval": interval}
    fields = {"positions": options.positions, **length, **options.config}
    print(study(options.out, options.seeds, options.arms, fields))


if __name__ == "__main__":
    main()
