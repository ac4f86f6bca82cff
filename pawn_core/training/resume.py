"""What may change when a run is resumed."""

from typing import Any

from pawn_core.config import ConfigError, RunConfig

FIXED_FIELDS = (
    "run_type",
    "d_model",
    "n_layers",
    "n_heads",
    "d_ff",
    "vocabulary",
    "max_seq_len",
    "prepend_outcome",
    "mate_boost",
    "discard_ply_limit",
    "batch_size",
    "data_seed",
    "val_seed",
)
"""Fields that say what the weights are, and which games were already seen."""


def check_resumable(config: RunConfig, saved: dict[str, Any], step: int) -> None:
    """Check that a config can go on from a checkpoint's.

    Raises:
        ConfigError: a field of `FIXED_FIELDS` differs, or the pause is already past.
    """
    now = config.model_dump(mode="json")
    for name in FIXED_FIELDS:
        if name in now and now[name] != saved.get(name):
            raise ConfigError(
                f"{name} {now[name]!r} differs from the checkpoint's {saved.get(name)!r}; "
                "a resumed run keeps its model and its data"
            )
    pause = config.pause_after_steps
    if pause is not None and pause <= step:
        raise ConfigError(
            f"pause_after_steps {pause} is not after the checkpoint's step {step}; "
            f"allowed: {step + 1} to {config.total_steps}, or null"
        )
