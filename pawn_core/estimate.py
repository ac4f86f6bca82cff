"""`python -m pawn_core.estimate --config FILE`: what a run will need, from a few real steps.

Prints one JSON object (`Estimate`), a line. Parameters and the memory of their state are counted
by `pawn_core.footprint`, without torch; all else is measured.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from pawn_core.config import ConfigError, RunConfig, TrainingConfig, parse_config
from pawn_core.config.files import read_json
from pawn_core.data.micro_batch import MicroBatch
from pawn_core.footprint import Footprint, footprint
from pawn_core.runtime import Runtime, most_memory_bytes, resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.training.graphed import STEPS_BEFORE_REPEATING
from pawn_core.training.learner import Learner
from pawn_core.training.learning import build_learner
from pawn_core.training.outcome import EXIT_CONFIG_ERROR
from pawn_core.training.setup import Setup

_CPU_GAMES = 16
_WARM_UP_STEPS, _TIMED_STEPS = 2, 3


@dataclass(frozen=True)
class Memory:
    """Bytes on the device, by what holds them."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    """Kept from the forward for the backward pass, by the largest part computed at once."""
    total: int

    @classmethod
    def of(cls, size: Footprint, activations: int) -> "Memory":
        """Add what one forward pass keeps to what is there all the time."""
        state = (size.weights, size.gradients, size.optimizer)
        return cls(*state, activations, size.state_bytes + activations)


@dataclass(frozen=True)
class Estimate:
    """What one process of a run will need; times are those of an idle machine."""

    parameters: int
    tokens_per_step: int
    flops_per_step: int
    """Forward and backward pass, padding excluded: the rule of `pawn_core.flops`."""
    step_s: float
    """Measured on `calibrated_games` games a step, in proportion to FLOPs where that is fewer."""
    first_step_s: float
    """With compilation, where the run compiles."""
    batch_s: float
    """One thread's time to make the batch; hidden behind the step while workers keep up."""
    training_s: float
    """Seconds of all steps, evaluations and checkpoints left out."""
    memory: Memory
    device_memory_bytes: int | None
    """The most that tensors held during the calibration; null on a CPU."""
    device: str
    calibrated_games: int


@dataclass(frozen=True)
class _Calibration:
    """What a few steps of a small batch took, per step."""

    tokens: float
    flops: float
    step_s: float
    first_step_s: float
    batch_s: float
    activations: int


def estimate(config: RunConfig) -> Estimate:
    """Do a few steps of a run and return what the whole will need.

    Raises:
        ConfigError: the run trains nothing, or cannot be honoured on this machine.
    """
    if not isinstance(config, TrainingConfig):
        raise ConfigError(f"run_type '{config.run_type}' has no optimizer steps to measure")
    runtime = resolve_runtime(config.model_copy(update={"gpus": 1}))
    small = _calibration_config(config, runtime)
    members = small.members().items()
    setup = Setup(small, Path(), runtime, StopFlag())
    learners = [build_learner(name, member, setup) for name, member in members]
    size = footprint(config) or _held(learners)
    calibration = _calibrate(learners, runtime)
    scale = config.batch_size / config.gpus / small.batch_size
    micro_batches = config.accumulation_steps / small.accumulation_steps
    return Estimate(
        parameters=size.parameters,
        tokens_per_step=round(calibration.tokens * scale),
        flops_per_step=round(calibration.flops * scale),
        step_s=calibration.step_s * scale,
        first_step_s=calibration.first_step_s,
        batch_s=calibration.batch_s * scale,
        training_s=calibration.step_s * scale * config.total_steps,
        memory=Memory.of(size, round(calibration.activations * scale / micro_batches)),
        device_memory_bytes=most_memory_bytes(runtime.device),
        device=_device_name(runtime),
        calibrated_games=small.batch_size,
    )


def _held(learners: list[Learner]) -> Footprint:
    """Return what models hold whose size the config does not tell."""
    models = [learner.task.model for learner in learners]
    trained = [p for learner in learners for p in learner.task.parameters().values()]
    state = [t for learner in learners for t in learner.optimizer.state_dict().values()]
    weights = [tensor for model in models for tensor in model.state_dict().values()]
    parameters = sum(p.numel() for model in models for p in model.parameters())
    return Footprint(parameters, *(sum(t.nbytes for t in ts) for ts in (weights, trained, state)))


def _calibration_config(config: TrainingConfig, runtime: Runtime) -> TrainingConfig:
    """Return one process's share of the run; on a CPU of few games, for it is slow."""
    share = config.batch_size // config.gpus
    few = min(_CPU_GAMES, share // config.accumulation_steps)
    on_gpu = runtime.device.type == "cuda"
    batch = {} if on_gpu else {"accumulation_steps": 1}
    batch |= {"batch_size": share if on_gpu else few, "gpus": 1}
    return type(config).model_validate(config.model_dump() | batch)


def _calibrate(learners: list[Learner], runtime: Runtime) -> _Calibration:
    task = learners[0].task
    begin = time.perf_counter()
    warm_up = _WARM_UP_STEPS + (STEPS_BEFORE_REPEATING if task.has_fixed_steps else 0)
    batches = [task.make_batch(index) for index in range(warm_up + _TIMED_STEPS)]
    batch_s = (time.perf_counter() - begin) / len(batches)
    seconds = [_timed_step(learners, batch, runtime) for batch in batches]
    parts = [part for batch in batches for part in batch]
    flops = sum(learner.task.flops(part) for learner in learners for part in parts)
    return _Calibration(
        tokens=sum(part.units for part in parts) / len(batches),
        flops=flops / len(batches),
        step_s=median(seconds[warm_up:]),
        first_step_s=seconds[0],
        batch_s=batch_s,
        activations=max(_kept_bytes(learner, batches[-1], runtime) for learner in learners),
    )


def _timed_step(learners: list[Learner], batch: Sequence[MicroBatch], runtime: Runtime) -> float:
    begin = time.perf_counter()
    for learner in learners:
        learner.learn([batch], waited=0.0)
        learner.check_finite()  # waits for the device
    return time.perf_counter() - begin


def _kept_bytes(learner: Learner, batch: Sequence[MicroBatch], runtime: Runtime) -> int:
    """Return what the forward pass of a step's largest part keeps, weights apart."""
    largest = max(batch, key=lambda part: sum(t.nbytes for t in part.tensors()))
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor), runtime.autocast():
        sums = learner.task.loss_sums(largest.to(runtime.device))
    for state in learner.task.model.state_dict().values():
        storages.pop(state.untyped_storage().data_ptr(), None)
    del sums
    return sum(storages.values())


def _device_name(runtime: Runtime) -> str:
    on_gpu = runtime.device.type == "cuda"
    return torch.cuda.get_device_name(runtime.device) if on_gpu else "cpu"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the estimate for a config file; return 2 where the config is refused."""
    parser = argparse.ArgumentParser(prog="python -m pawn_core.estimate", description=__doc__)
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="JSON config.")
    path = parser.parse_args(arguments).config
    try:
        result = estimate(parse_config(read_json(path)))
    except ConfigError as error:
        sys.stderr.write(f"estimate: {error}\n")
        return EXIT_CONFIG_ERROR
    sys.stdout.write(json.dumps(asdict(result)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
