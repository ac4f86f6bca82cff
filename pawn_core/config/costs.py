"""What a run pays for each step, or along the way, that a long run seldom wants to pay."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pawn_core.config.training import TrainingConfig

MANY = 100
"""Evaluations or checkpoints of a run that are worth a word."""
OFTEN = 10
"""Records so few steps apart make a GPU wait."""


class Cost(NamedTuple):
    """A field, what it costs, and the value that costs nothing."""

    field: str
    why: str
    instead: Any = None


def of_steps(config: "TrainingConfig", machine_has_gpu: bool) -> Iterator[Cost]:
    """Yield what makes each step slower."""
    on_gpu = machine_has_gpu and config.device != "cpu"
    if machine_has_gpu and config.device == "cpu":
        yield Cost("device", "it computes on the CPU of a machine with a GPU", "auto")
    if on_gpu and config.no_compile:
        yield Cost("no_compile", "steps are not compiled")
    if on_gpu and config.amp_dtype == "none":
        # auto would stay what the checkpoint was trained in
        yield Cost("amp_dtype", "it computes in float32", "bfloat16")
        if config.no_amp:
            yield Cost("no_amp", "amp_dtype follows from it", False)
    if config.gradient_checkpointing:
        yield Cost("gradient_checkpointing", "each layer is computed twice", False)
    if on_gpu and config.sdpa_math:
        yield Cost("sdpa_math", "attention without the fast kernels", False)
    if config.num_workers == 0:
        yield Cost("num_workers", "each step waits for its batch", 4)
    if config.accumulation_steps > 1:
        yield Cost("accumulation_steps", f"{config.accumulation_steps} smaller passes a step", 1)
    if on_gpu and config.log_interval < OFTEN:
        yield Cost("log_interval", f"the GPU is waited for every {config.log_interval} steps", 100)


def along_the_way(config: "TrainingConfig", from_step: int) -> Iterator[Cost]:
    """Yield what is done very often from a step to the end."""
    steps = config.target - from_step
    if (count := steps // config.eval_interval) > MANY:
        yield Cost("eval_interval", f"{count} evaluations of {config.evaluated_on}", 5000)
    if (count := steps // (config.checkpoint_interval or steps)) > MANY:
        yield Cost("checkpoint_interval", f"{count} checkpoints")
    usual = type(config).model_fields["patience"].default
    if config.patience is not None and config.patience != usual:
        patience = config.patience * config.eval_interval
        yield Cost("patience", f"it stops after {patience} steps without improvement")
