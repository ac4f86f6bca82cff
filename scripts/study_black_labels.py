"""Do rewards repair labels that were wrong? The defect of the published `P:` rows, made and mended.

    python scripts/study_black_labels.py --out runs/study_black_labels --seeds 1 2 3

Trains a base on rows in which `B:` is the best of the listed moves for White and the worst for
Black. Runs of reinforcement then start from it with the verified rewards of `P:`, beside controls
whose rewards change places inside their groups. Prints how often `B:` is the engine's best move and
how often the worst listed, by side to move; runs that are there are not repeated.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pawn_core.config import parse_config
from pawn_core.config.tasks import task_kind
from pawn_core.config.text_tasks import TextTasksConfig
from pawn_core.evaluation.intervals import exact
from pawn_core.language import load_text_model
from pawn_core.run_paths import RunPaths
from pawn_core.signals import StopFlag
from pawn_core.tasks import Mixture, TaskPrompt, TaskSettings
from pawn_core.tasks.policy import Policy
from pawn_core.training.held_out import answered
from pawn_core.training.trainer import run_training

_POSITIONS: dict[str, Any] = {
    "mix_env_ratio": 0.0,
    "men_max": 3,
    "max_ply": 400,
    "stockfish_depth": 4,
    "device": "cpu",
    "local_checkpoints": True,
}
_BASE: dict[str, Any] = _POSITIONS | {
    "run_type": "sft",
    "variant": "tiny",
    "total_steps": 5_000,
    "eval_interval": 500,
    "lr": 3e-3,
    "min_lr_ratio": 0.1,
    "warmup_steps": 100,
    "val_prompts": 256,
    "greedy_prompts": 256,
    "seed": 1,
}
_LONGER: dict[str, Any] = _BASE | {
    "total_steps": 12_000,
    "pause_after_steps": 9_000,
    "checkpoint_interval": 500,
    "eval_interval": 1_000,
    "lr": 2e-3,
    "seed": 2,
}
"""What the base goes on with: its second learning."""
_ONLY_BEST = {f"policy.{name}": 0.0 for name in task_kind("policy").components} | {
    "policy.best": 1.0
}
_REPAIR: dict[str, Any] = _POSITIONS | {
    "run_type": "grpo",
    "reward_weights": _ONLY_BEST,
    "batch_size": 32,
    "group_size": 8,
    "max_new_tokens": 96,
    "beta": 0.0,
    "lr": 2e-4,
    "lr_schedule": "cosine",
    "min_lr_ratio": 0.1,
    "warmup_steps": 10,
    "val_prompts": 32,
}
_MOST_TOKENS = 96


class Named(NamedTuple):
    """What one side's greedy completions name `B:`."""

    prompts: int
    best: int
    """Moves that the engine finds as good as its own choice."""
    worst: int
    """Moves as bad as the last of the engine's five, where that is worse than the first."""

    @classmethod
    def of(cls, best_n: NDArray[np.bool_], worst_n: NDArray[np.bool_]) -> "Named":
        """Count them."""
        return cls(len(best_n), int(best_n.sum()), int(worst_n.sum()))


class Sides(NamedTuple):
    """What is named for each side to move."""

    white: Named
    black: Named


def mislabelled(prompt: TaskPrompt) -> str:
    """Return the right completion of a prompt, but for Black the worst of the moves as `B:`."""
    right: str = prompt.answer.completion
    if not _is_black(prompt):
        return right
    return f"{right.rpartition(' ')[0]} {prompt.answer.analysis.lines[-1][0]}"


def base_of(out: Path) -> Path:
    """Return the checkpoint of the base, which is trained if it is not there."""
    right = Policy.completions
    Policy.completions = _mislabelled_completions
    try:
        first = _checkpoint_of(_BASE, out / "first")
        return _checkpoint_of(_LONGER | {"checkpoint": str(first)}, out / "base")
    finally:
        Policy.completions = right


def repaired(base: Path, out: Path, seed: int, steps: int, *, shuffled: bool) -> Path:
    """Return the last checkpoint of a run of reinforcement, which is done if it is not there."""
    config = _REPAIR | {"checkpoint": str(base), "seed": seed, "shuffle_rewards": shuffled}
    config |= {"total_steps": steps, "eval_interval": steps}
    return _checkpoint_of(config, out / f"{'control' if shuffled else 'repair'}_{seed}")


def measure(checkpoint: Path, prompts: int) -> Sides:
    """Count what the model names `B:` on held-out prompts, by side to move."""
    config = parse_config(_BASE | {"val_prompts": prompts})
    assert isinstance(config, TextTasksConfig)
    model = load_text_model(str(checkpoint), checkpoint, torch.device("cpu"))
    with Mixture(TaskSettings.of(config)) as mixture:
        asked = [prompt for prompt in mixture.held_out()["policy"] if prompt.valid]
        _, [scored] = answered(model, mixture, asked, _MOST_TOKENS, lambda: None)
    best_n = scored.scores.components["best"] > 0.0
    ranks = scored.scores.details["best_rank"].astype(int).tolist()
    worst_n = np.array([_is_worst(p, rank) for p, rank in zip(asked, ranks, strict=True)])
    black_n = np.array([_is_black(prompt) for prompt in asked])
    return Sides(*(Named.of(best_n[side_n], worst_n[side_n]) for side_n in (~black_n, black_n)))


def row(name: str, sides: Sides) -> str:
    """Return a model as a row of the table."""
    cells = [name]
    for named in sides:
        low, high = exact(named.best, named.prompts)
        cells.append(f"{named.best / named.prompts:.3f} ({low:.3f} to {high:.3f})")
        cells.append(f"{named.worst / named.prompts:.3f}")
    return "| " + " | ".join(cells) + " |"


def study(out: Path, seeds: list[int], steps: int, prompts: int) -> str:
    """Return the table of the base, and of the runs and controls from it."""
    base = base_of(out)
    lines = [
        "| model | White: best | White: worst | Black: best | Black: worst |",
        "|---|---|---|---|---|",
        row("base", measure(base, prompts)),
    ]
    for seed in seeds:
        for shuffled in (False, True):
            checkpoint = repaired(base, out, seed, steps, shuffled=shuffled)
            name = f"{'shuffled rewards' if shuffled else 'rewards'}, seed {seed}"
            lines.append(row(name, measure(checkpoint, prompts)))
    return "\n".join(lines)


def _checkpoint_of(config: dict[str, Any], folder: Path) -> Path:
    paths = RunPaths(folder)
    if not paths.outcome.exists():
        outcome = run_training(parse_config(config), folder, None, StopFlag())
        assert outcome.reason in ("completed", "paused"), outcome.message
    return max(paths.checkpoints.iterdir())


def _mislabelled_completions(self: Policy, prompts: Sequence[TaskPrompt]) -> list[str]:
    return [mislabelled(prompt) for prompt in prompts]


def _is_worst(prompt: TaskPrompt, rank: int) -> bool:
    lines = prompt.answer.analysis.lines
    return rank >= 0 and lines[rank][1] == lines[-1][1] < lines[0][1]


def _is_black(prompt: TaskPrompt) -> bool:
    return prompt.fen.split()[1] == "b"


def main() -> None:
    """Do the study and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--prompts", type=int, default=1_000, help="held-out ones measured on")
    parser.add_argument("--config", type=json.loads, default={}, help="fields that differ")
    options = parser.parse_args()
    torch.set_num_threads(1)
    _REPAIR.update(options.config)
    print(study(options.out, options.seeds, options.steps, options.prompts))


if __name__ == "__main__":
    main()
