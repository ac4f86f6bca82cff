"""Does reinforcement teach anything? Runs of one base against controls with shuffled rewards.

    python scripts/study_grpo.py --base CHECKPOINT --out runs/study_grpo --seeds 1 2 3

For each seed a run learns from verified rewards of `A:` prompts, and a control from the same
rewards moved about inside their groups. Both are measured by greedy completions of the same
held-out prompts, before and after. Prints a Markdown table; runs that are there are not repeated.
"""

import argparse
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from pawn_core.config import parse_config
from pawn_core.evaluation.intervals import exact
from pawn_core.metrics import Record, read_records
from pawn_core.run_paths import RunPaths
from pawn_core.signals import StopFlag
from pawn_core.training.trainer import run_training

_T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}
"""Student's t of a two-sided 95 % interval, by the number of seeds."""
_METRIC = "environment_fen_exact"
_CONFIG: dict[str, Any] = {
    "run_type": "grpo",
    "mix_env_ratio": 1.0,
    "history": False,
    "men_max": 5,
    "max_ply": 400,
    "batch_size": 32,
    "group_size": 8,
    "max_new_tokens": 64,
    "lr": 2e-4,
    "lr_schedule": "constant",
    "warmup_steps": 5,
    "val_prompts": 1000,
    "reward_weights": {
        "environment.format": 1.0,
        "environment.fen_exact": 8.0,
        "environment.fen_fields": 2.0,
        "environment.reward": 1.0,
        "environment.flags": 1.0,
    },
    "local_checkpoints": True,
}


def records_of(base: str, out: Path, seed: int, steps: int, *, shuffled: bool) -> list[Record]:
    """Return the evaluations of a run, which is done if it is not there."""
    folder = out / f"{'control' if shuffled else 'learning'}_{seed}"
    if not RunPaths(folder).outcome.exists():
        config = _CONFIG | {"checkpoint": base, "seed": seed, "shuffle_rewards": shuffled}
        config |= {"total_steps": steps, "eval_interval": steps, "checkpoint_interval": steps}
        outcome = run_training(parse_config(config), folder, None, StopFlag())
        assert outcome.reason == "completed", outcome.message
    records, _ = read_records(RunPaths(folder).metrics)
    return [record for record in records if record["type"] == "eval"]


def row(name: str, seed: int, evaluations: list[Record]) -> str:
    """Return a run as a row of the table."""
    first, last = evaluations[0], evaluations[-1]
    prompts = _CONFIG["val_prompts"]
    before, after = (round(record[_METRIC] * prompts) for record in (first, last))
    low, high = exact(after, prompts)
    cells = [name, str(seed), f"{before / prompts:.3f}", f"{after / prompts:.3f}"]
    return "| " + " | ".join([*cells, f"{low:.3f} to {high:.3f}", f"{last['kl']:.3f}"]) + " |"


def gain(evaluations: list[Record]) -> float:
    """Return by how much the rate has risen."""
    return evaluations[-1][_METRIC] - evaluations[0][_METRIC]


def interval(differences: list[float]) -> str:
    """Return the mean of as many seeds with its 95 % interval by Student's t."""
    half = _T_95[len(differences)] * stdev(differences) / len(differences) ** 0.5
    low, high = mean(differences) - half, mean(differences) + half
    return f"{mean(differences):+.3f} (95 % interval {low:+.3f} to {high:+.3f})"


def study(base: str, out: Path, seeds: list[int], steps: int) -> str:
    """Return the table of all runs, and what the seeds say together."""
    lines = ["| run | seed | before | after | 95 % interval | KL |", "|---|---|---|---|---|---|"]
    differences = []
    for seed in seeds:
        runs = {s: records_of(base, out, seed, steps, shuffled=s) for s in (False, True)}
        lines += [row("control" if s else "learning", seed, run) for s, run in runs.items()]
        differences.append(gain(runs[False]) - gain(runs[True]))
    if len(differences) > 1:
        lines += ["", f"Gain over the control, paired by seed: {interval(differences)}."]
    return "\n".join(lines)


def main() -> None:
    """Do the study and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--config", type=json.loads, default={}, help="fields that differ")
    options = parser.parse_args()
    torch.set_num_threads(1)
    _CONFIG.update(options.config)
    print(study(options.base, options.out, options.seeds, options.steps))


if __name__ == "__main__":
    main()
