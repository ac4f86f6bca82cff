"""Reinforcement of an untrained policy by both tasks of chess, with a program that answers."""

from pathlib import Path

import pytest
import torch
from analysing import BY_THE_RULES, write_analyser
from counting import write_base

SIMILARITY = {
    **{f"environment.{name}": 0.0 for name in ("format", "fen_exact", "fen_fields")},
    **{f"environment.{name}": 0.0 for name in ("reward", "flags")},
    "environment.fen_similarity": 1.0,
}
"""Rewards that differ even of letters at random."""


@pytest.fixture
def both(tmp_path: Path) -> dict:
    """Return a config of few steps on both tasks."""
    torch.set_num_threads(1)
    base = write_base(tmp_path / "base", context=288, d_model=32, n_layers=2)
    return {
        "run_type": "grpo",
        "checkpoint": str(base),
        "mix_env_ratio": 0.5,
        "reward_weights": SIMILARITY,
        "total_steps": 3,
        "batch_size": 4,
        "group_size": 4,
        "max_new_tokens": 60,
        "lr": 1e-3,
        "eval_interval": 3,
        "val_prompts": 6,
        "stockfish_path": write_analyser(tmp_path / "analyser", answer=BY_THE_RULES),
        "analysis_cache": str(tmp_path / "analyses"),
        "amp_dtype": "none",
        "device": "cpu",
        "num_workers": 2,
        "local_checkpoints": True,
    }


def test_both_tasks_are_sampled_verified_learned_from_and_evaluated(
    both, train, tmp_path, records
) -> None:
    outcome = train(both, "run")
    assert (outcome.reason, outcome.step) == ("completed", 3)
    found = records(tmp_path / "run", "train")
    components = {name for record in found for name in record if name.startswith("rewards/")}
    assert {"rewards/policy/mean", "rewards/environment/mean"} <= components
    assert {"rewards/policy.best/mean", "rewards/environment.fen_exact/mean"} <= components
    assert any(record["rewards/environment/mean"] for record in found if record["grad_norm"])
    assert sum(record["dropped_prompts"] + record["invalid_completions"] for record in found) == 0
    assert found[-1]["kl"] > found[0]["kl"] == 0
    first, last = records(tmp_path / "run", "eval")
    assert first.keys() | {"kl"} == last.keys()
    assert {"eval_reward", "eval_reward_policy", "eval_reward_environment"} <= last.keys()
    assert {"policy_best_plain", "environment_fen_exact_illegal"} <= last.keys()
