"""Fields without an effect: what a config says that its run would do without it.

Each rule yields a field, the value that gives the same run, and why. A rule without a reason is
another way of saying the same, which is nobody's mistake.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pawn_core.config.compute import ComputeConfig
    from pawn_core.config.game_training import GameTrainingConfig
    from pawn_core.config.games import GamesConfig
    from pawn_core.config.run import RunConfig
    from pawn_core.config.schedule import ScheduleConfig
    from pawn_core.config.training import TrainingConfig


class Idle(NamedTuple):
    """A field that could as well have the value `instead`, and why; None: said in other words."""

    field: str
    instead: Any
    why: str | None


def schedule(config: "ScheduleConfig") -> Iterator[Idle]:
    """Yield what of the learning rate's schedule never comes to pass."""
    shape, warmup = config.lr_schedule, config.warmup_steps
    if shape in ("constant", "wsd") and warmup == 1:
        yield Idle("warmup_steps", 0, None)  # its only step is at the peak
    if shape == "constant":
        yield Idle("min_lr_ratio", 0.0, "lr_schedule 'constant' never decays")
    elif shape in ("cosine", "wsd") and config.min_lr_ratio == 1.0:
        level = "min_lr_ratio 1 leaves nothing to decay"
        yield from _constant(level, None if shape == "cosine" else level)
    elif shape == "wsd" and config.decay_steps == 1:
        yield from _constant(None, None, "decay_steps 1 ends at the peak")
    elif shape == "one_cycle" and warmup == 0:
        yield Idle("lr_schedule", "cosine", "without warmup_steps it is a cosine")
    elif shape == "infinite":
        yield from _infinite(config)


def _constant(decay: str | None, shape: str | None, floor: str | None = None) -> Iterator[Idle]:
    yield Idle("decay_steps", None, decay)
    yield Idle("lr_schedule", "constant", shape)
    yield Idle("min_lr_ratio", 0.0, floor)


def _infinite(config: "ScheduleConfig") -> Iterator[Idle]:
    if config.constant_lr_ratio == 1.0:
        yield Idle("lr_schedule", "wsd", None)
        yield Idle("cooldown_steps", None, "constant_lr_ratio 1 leaves nothing to cool down")
        yield Idle("constant_lr_ratio", None, None)
    elif config.min_lr_ratio == config.constant_lr_ratio:
        yield Idle("decay_steps", 1, "min_lr_ratio is the plateau, constant_lr_ratio")
    elif config.decay_steps == 1:
        yield Idle("min_lr_ratio", 0.0, "decay_steps 1 ends at the plateau")


def pause(config: "RunConfig") -> Iterator[Idle]:
    """Yield a pause where the run ends in any case."""
    if config.pause_after_steps == config.length:
        end = f"{config.progress.field} {config.length}"
        yield Idle("pause_after_steps", None, f"the run ends at {end}")


def evaluations_before_the_end(config: "TrainingConfig") -> int:
    """Return how many evaluations can still stop the run: the one at the end comes too late."""
    return (config.total_steps - 1) // config.eval_interval


def stops(config: "TrainingConfig") -> Iterator[Idle]:
    """Yield what is due only after the end."""
    total, interval = config.total_steps, config.eval_interval
    past = f"it is past total_steps {total}, where one comes in any case"
    defaults = {
        "eval_interval": type(config).model_fields["eval_interval"].default,
        "checkpoint_interval": interval,
    }
    for field, default in defaults.items():
        if getattr(config, field) > total:
            yield Idle(field, total, past if default is None or default >= total else None)
    evaluations = evaluations_before_the_end(config)
    if config.patience is None or config.patience >= evaluations:
        few = f"only {evaluations} evaluations come before total_steps; it takes patience + 1"
        yield Idle("patience", None, few)


def watched_metric(config: "GameTrainingConfig") -> Iterator[Idle]:
    """Yield what has to improve where nothing is watched."""
    evaluations = evaluations_before_the_end(config)
    if config.patience is None or config.patience >= evaluations:
        yield Idle("patience_metric", "val_loss", "nothing is watched without patience")


def packed_attention(config: "GameTrainingConfig", on_gpu: bool | None) -> Iterator[Idle]:
    """Yield the way of attention in packed rows where there are none, or it follows."""
    if config.batching not in ("auto", "packed"):
        yield Idle("attention", "auto", f"batching '{config.batching}' has no packed rows")
    elif config.sdpa_math:
        yield Idle("attention", "auto", "sdpa_math decides how it attends")
    elif on_gpu is False:
        yield Idle("attention", "auto", "a CPU has a way of its own")


def residual(config: "GameTrainingConfig") -> Iterator[Idle]:
    """Yield the residual stream's type where there is but one."""
    if config.amp_dtype == "none":
        yield Idle("residual_dtype", "float32", "amp_dtype 'none' computes in float32")


def compute(config: "ComputeConfig", on_gpu: bool | None) -> Iterator[Idle]:
    """Yield what makes no difference on the device; `on_gpu` None: it is not known."""
    if config.amp_dtype == "none":
        yield Idle("no_amp", False, None)
    if on_gpu is False and config.no_compile:
        yield Idle("no_compile", None, "nothing is compiled on a CPU unless asked for")
    if on_gpu and config.no_compile is False:
        yield Idle("no_compile", None, "on a GPU everything is compiled")
    if on_gpu and config.amp_dtype == "auto":
        yield Idle("amp_dtype", "bfloat16", None)


def graphs(config: "GamesConfig", on_gpu: bool | None) -> Iterator[Idle]:
    """Yield the recording of steps where there is no GPU to repeat them."""
    if on_gpu is False:
        yield Idle("cuda_graphs", False, "a CPU repeats no steps by itself")


def outcome_token(config: "GamesConfig") -> Iterator[Idle]:
    """Yield which of the two fields of the outcome token says what the other does."""
    if config.vocabulary == "searchless":
        why = "sequences of the searchless vocabulary have no outcome token unless prepend_outcome"
        yield Idle("no_outcome_token", False, why)
    elif not config.prepend_outcome:
        yield Idle("no_outcome_token", True, None)
