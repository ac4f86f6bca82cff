"""The smallest run."""

from pathlib import Path
from typing import Any

from pawn_core.config import RunConfig

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


def setup_of(config: RunConfig, runtime: Any) -> Any:
    """Return what a run starts from that nobody stops and that writes nothing."""
    from pawn_core.signals import StopFlag
    from pawn_core.training.setup import Setup

    return Setup(config, Path(), runtime, StopFlag())
