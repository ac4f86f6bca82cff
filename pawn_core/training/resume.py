"""What may change when a run is resumed."""

from typing import Any

from pawn_core.config import ConfigError, RunConfig


def check_resumable(config: RunConfig, saved: dict[str, Any], step: int) -> None:
    """Check that a config can go on from a checkpoint's.

    Raises:
        ConfigError: a field that the checkpoint decides differs, or the pause is already past.
    """
    now = config.model_dump(mode="json")
    for name in config.fields_marked("fixed_on_resume"):
        if now[name] != saved.get(name):
            raise ConfigError(
                f"{name} {now[name]!r} differs from the checkpoint's {saved.get(name)!r}, "
                "which a resumed run cannot change"
            )
    pause = config.pause_after_steps
    if pause is not None and pause <= step:
        raise ConfigError(
            f"pause_after_steps {pause} is not after the checkpoint's step {step}; "
            f"allowed: {step + 1} to {config.length}, or null"
        )


def next_batch(training_state: dict[str, Any], batch_size: int) -> int:
    """Return the index of the batch that a resumed run begins with.

    With another batch size it is the first one that holds no game already trained on.
    """
    return -(-int(training_state["data"]["next_game"]) // batch_size)
