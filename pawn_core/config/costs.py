"""What a run pays for each step, or along the way, that a long run seldom wants to pay."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pawn_core.config.base import RunConfig

MANY = 100
"""Evaluations or checkpoints of a run that are worth a word."""
OFTEN = 10
"""Records so few steps apart make a GPU wait."""

Cost = tuple[str, str]
"""A field, and what it costs."""


def of_steps(config: "RunConfig", machine_has_gpu: bool) -> Iterator[Cost]:
    """Yield what makes each step slower."""
    on_gpu = machine_has_gpu and config.device != "cpu"
    if machine_has_gpu and config.device == "cpu":
        yield "device", "it computes on the CPU of a machine with a GPU"
    if on_gpu and config.no_compile:
        yield "no_compile", "steps are not compiled, and batches are padded"
    if on_gpu and config.amp_dtype == "none":
        yield "no_amp" if config.no_amp else "amp_dtype", "it computes in float32"
    if config.gradient_checkpointing:
        yield "gradient_checkpointing", "each layer is computed twice"
    if on_gpu and config.sdpa_math:
        yield "sdpa_math", "attention without the fast kernels"
    if config.num_workers == 0:
        yield "num_workers", "each step waits for its batch"
    if config.accumulation_steps > 1:
        yield "accumulation_steps", f"{config.accumulation_steps} smaller passes a step"
    if on_gpu and config.log_interval < OFTEN:
        yield "log_interval", f"the GPU is waited for every {config.log_interval} steps"


def along_the_way(config: "RunConfig", from_step: int) -> Iterator[Cost]:
    """Yield what is done very often from a step to the end."""
    steps = (config.pause_after_steps or config.total_steps) - from_step
    if (count := steps // config.eval_interval) > MANY:
        yield "eval_interval", f"{count} evaluations of {config.val_games} games"
    if (count := steps // (config.checkpoint_interval or steps)) > MANY:
        yield "checkpoint_interval", f"{count} checkpoints"
    if config.patience is not None:
        patience = config.patience * config.eval_interval
        yield "patience", f"it stops after {patience} steps without improvement"
