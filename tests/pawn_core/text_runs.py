"""Small runs on text tasks."""

from typing import Any

SFT: dict[str, Any] = {
    "run_type": "sft",
    "variant": "custom",
    "d_model": 16,
    "n_layers": 1,
    "n_heads": 2,
    "mix_env_ratio": 1.0,
    "history": False,
    "max_ply": 40,
    "total_steps": 8,
    "batch_size": 4,
    "lr": 1e-2,
    "eval_interval": 4,
    "checkpoint_interval": 2,
    "log_interval": 3,
    "val_prompts": 4,
    "greedy_prompts": 2,
    "num_workers": 1,
    "amp_dtype": "none",
    "device": "cpu",
    "local_checkpoints": True,
}
"""`A:` prompts alone, which need no chess program."""
