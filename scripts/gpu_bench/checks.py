"""Whether each way of computing learns what plain float32 steps learn, on the device itself.

The gradients of one batch and the losses of a few steps are compared with those of eager float32
steps with dense masks. A way in 16 bits may be a few times as far from them as plain eager 16-bit
steps are, for which a bound stands here. Weights, games and seeds are those of the reference.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gpu_bench.jobs import CHECKED, PLAIN, Way
from gpu_bench.steps import built
from pawn_core.runtime import Runtime
from pawn_core.training.learner import Learner
from pawn_core.training.run import Run

FLOAT32 = {"amp_dtype": "none"}
TRAJECTORY = 20
"""Steps whose losses are compared: graphs are recorded and tried in the first of them."""
_FLOAT32_BOUND = 2e-4
_ROUNDING_BOUND = 0.08  # of a gradient of bfloat16 steps; 2 % is usual at two layers
_LOSS_ROUNDING = 2e-4  # at least that much of a loss may be rounding
_SMALLEST = 1e-4  # of the largest gradient's norm; below it nothing is compared
_SCALE = 2.0**10  # what float16 gradients are multiplied with, lest they underflow
_LEARNING = {"warmup_steps": 2, "lr": 1e-3, "total_steps": 100, "eval_interval": 100}


class Learned(NamedTuple):
    """What a way came to."""

    gradients: dict[str, Tensor]
    losses: list[float]
    repeats: bool
    """Whether the same batch gave the same gradients, bit by bit."""
    how: dict[str, Any]


class Difference(NamedTuple):
    """The largest relative ones from the reference."""

    gradient: float
    worst: str
    """The weight whose gradient it is."""
    loss: float


def check(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield how each way compares; a way that is about to be tried is told first.

    A process that a way has ended is started again without it: `passed_over` are those done. None
    is begun after `until`, in seconds since 1970.
    """
    references = _References(job["fields"] | _LEARNING)
    for each in CHECKED:
        if each.name in job["passed_over"]:
            continue
        if time.time() > job["until"]:
            yield {"row": each.name, "failed": "left out: no time for it"}
            continue
        yield {"trying": each.name}
        yield {"row": each.name, **_compared(each, references)}


class _References:
    """Float32 steps, and the yardstick of rounding, of each model and loss, made once."""

    def __init__(self, shared: dict[str, Any]) -> None:
        self.shared = shared
        self._known: dict[str, Learned] = {}

    def of(self, fields: Mapping[str, Any], precision: Mapping[str, Any]) -> Learned:
        """Return what plain steps come to where the model and its loss are a way's."""
        same = {name: value for name, value in fields.items() if name in _DECIDING}
        plain = self.shared | same | dict(PLAIN.fields) | dict(precision)
        key = repr(sorted(plain.items()))
        if key not in self._known:
            self._known[key] = learned(plain, PLAIN)
        return self._known[key]


_DECIDING = {"targets", "optimizer", "variant", "d_model", "n_heads", "d_ff", "n_layers"}
"""Fields that decide what is learned."""


def _compared(each: Way, references: _References) -> dict[str, Any]:
    """Return a way's differences from float32, what they may be, and whether they are less."""
    from gpu_bench.child import reason

    try:
        fields = references.shared | dict(each.fields)
        found = learned(fields, each)
        reference = references.of(each.fields, FLOAT32)
        distance = difference(found, reference)
        bound = _bound(each, found, references, reference)
    except Exception as error:
        return {"failed": reason(error)}
    good = distance.gradient <= bound.gradient and distance.loss <= bound.loss
    return {
        "passed": good,
        **distance._asdict(),
        "gradient_bound": bound.gradient,
        "loss_bound": bound.loss,
        "repeats": found.repeats,
        "way": found.how,
    }


def _bound(each: Way, found: Learned, references: _References, reference: Learned) -> Difference:
    """Return how far a way may be from float32."""
    if found.how["amp_dtype"] == "none":
        return Difference(_FLOAT32_BOUND, "", _FLOAT32_BOUND)
    plain = references.of(each.fields, {"amp_dtype": "bfloat16"})
    rounding = difference(plain, reference)
    most = min(rounding.gradient, _ROUNDING_BOUND)
    return Difference(each.noise * most, "", each.noise * max(rounding.loss, _LOSS_ROUNDING))


def learned(fields: Mapping[str, Any], each: Way) -> Learned:
    """Return a batch's gradients, and the losses of a few steps."""
    with built(fields, each.runtime) as it:
        [learner] = it.learning.learners
        first, again = (gradients(learner, it.runtime) for _ in range(2))
        repeats = all(torch.equal(first[name], again[name]) for name in first)
        return Learned(first, _losses(it.run, learner), repeats, it.way())


def gradients(learner: Learner, runtime: Runtime) -> dict[str, Tensor]:
    """Return the gradients (as float64, on the CPU) of the first batch's mean loss, by weight."""
    parts = learner.task.make_batch(0)
    units = sum(part.units for part in parts)
    scale = _SCALE if runtime.amp_dtype is torch.float16 else 1.0
    for part in parts:
        with runtime.autocast():
            sums = learner.task.loss_sums(part.to(runtime.device))
        (scale * sums["loss"] / units).backward()
    found = {
        name: weight.grad.detach().double().cpu() / scale
        for name, weight in learner.task.parameters().items()
        if weight.grad is not None
    }
    learner.optimizer.zero_grad()
    return found


def _losses(run: Run, learner: Learner) -> list[float]:
    """Return the mean losses of some steps."""
    losses = []
    for _ in range(TRAJECTORY):
        run.advance()
        losses.append(learner.stats.take()["loss"] or 0.0)
    run.task.check()
    return losses


def difference(found: Learned, reference: Learned) -> Difference:
    """Return the largest differences; of a way that lacks a gradient, infinite ones."""
    if missing := sorted(reference.gradients.keys() - found.gradients.keys()):
        return Difference(float("inf"), missing[0], float("inf"))
    norms = {name: float(g.norm()) for name, g in reference.gradients.items()}
    smallest = _SMALLEST * max(norms.values())
    distances = {
        name: float((found.gradients[name] - gradient).norm()) / max(norms[name], smallest)
        for name, gradient in reference.gradients.items()
    }
    worst = max(distances, key=lambda name: distances[name])
    pairs = zip(found.losses, reference.losses, strict=True)
    return Difference(distances[worst], worst, max(abs(a - b) / b for a, b in pairs))
