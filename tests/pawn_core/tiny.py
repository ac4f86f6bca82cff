"""The smallest run."""

from typing import Any

TINY: dict[str, Any] = {
    "variant": "custom",
    "d_model": 16,
    "n_layers": 1,
    "n_heads": 2,
    "max_seq_len": 24,
    "total_steps": 12,
    "batch_size": 4,
    "lr": 1e-3,
    "eval_interval": 4,
    "checkpoint_interval": 4,
    "log_interval": 3,
    "val_games": 6,
    "num_workers": 1,
    "amp_dtype": "none",
    "device": "cpu",
    "local_checkpoints": True,
}
