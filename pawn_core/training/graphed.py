"""Steps that a GPU repeats by itself: recorded once for each shape of their batches.

A step of a small model is hundreds of kernels, which the host enqueues more slowly than the device
does them. A CUDA graph enqueues all at once. It repeats the very same operations on the very same
memory, so that whatever differs from step to step is in tensors that stay where they are: the
batch, the learning rate, the number of units (`Inputs`).

The first steps of a shape are done plainly, through the same inputs. The recording is then tried
on two batches, each beside a plain step from the same state, which is the one that counts. What
fails or differs is given up for plain steps, and the reason is told. On a CPU a recording is the
function itself.
"""

import copy
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from pawn_core.data.fixed_shapes import signature_of
from pawn_core.data.micro_batch import MicroBatch
from pawn_core.training.rules import Number

WARM_UP_STEPS = 3
"""Plain steps of a shape before it is recorded: what is compiled or chosen on first use is by
then."""
CHECKS = 2
STEPS_BEFORE_REPEATING = WARM_UP_STEPS + CHECKS
"""Steps of a shape that take longer than those to come."""
MOST_SHAPES = 8
"""Shapes of a step that are recorded; each recording takes memory."""
LOSS_TOLERANCE, NORM_TOLERANCE = 1e-3, 0.05
"""Shares of a step's sums and of its gradient's norm by which repeating it may differ: kernels may
add up in any order. Another batch has another number of tokens, and so other sums."""
USUAL_MOVE, LEAST_MOVE = 0.1, 0.7
"""Shares of a parameter's movement by which that of some parameter, and of each, may differ: the
first steps of AdamW go by signs, and Muon makes much of small differences."""

R = TypeVar("R")


class Moved(NamedTuple):
    """What a step did to the model."""

    sums: dict[str, Tensor]
    """What the task sums over the step's units."""
    grad_norm: Tensor
    finite: Tensor
    applied: bool = True


Step = Callable[[Sequence[MicroBatch], Number, Number], Moved]
"""Moves the model along the gradient of micro-batches: learning rate, units of all of them."""


class Recorder(Protocol):
    """What records on a device."""

    def aside(self) -> AbstractContextManager[None]:
        """Return a context for steps that are to be recorded later."""
        ...

    def record(self, function: Callable[[], R]) -> Callable[[], R]:
        """Return what repeats a function's operations and returns its outputs, the same tensors
        each time. Nothing is computed yet.
        """
        ...

    def forget(self) -> None:
        """Give back the memory of recordings that are no more."""
        ...


class CudaRecorder:
    """Records CUDA graphs, which share their memory: never two of them run at once."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool: Any = None

    @contextmanager
    def aside(self) -> Generator[None]:
        """Compute on the stream that records, as autograd's nodes stay on a stream."""
        computation = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(computation)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            computation.wait_stream(self._stream)

    def record(self, function: Callable[[], R]) -> Callable[[], R]:
        """Capture a function; the threads that prepare batches go on meanwhile."""
        graph = torch.cuda.CUDAGraph()
        capture = torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        )
        with torch.cuda.device(self._device), capture:
            outputs = function()
        self._pool = graph.pool()

        def replay() -> R:
            graph.replay()
            return outputs

        return replay

    def forget(self) -> None:
        """Return the memory that plain steps beside recordings or lost recordings held."""
        with torch.cuda.device(self._device):
            torch.cuda.synchronize()
            torch.cuda.empty_cache()


class HostRecorder:
    """Calls the function again: all but the capture is as on a GPU."""

    def aside(self) -> AbstractContextManager[None]:
        """Return a context that changes nothing."""
        return nullcontext()

    def record(self, function: Callable[[], R]) -> Callable[[], R]:
        """Return the function."""
        return function

    def forget(self) -> None:
        """Nothing is held."""


@cache
def recorder_on(device: torch.device) -> Recorder:
    """Return what records on a device; all models of a run share its memory."""
    return CudaRecorder(device) if device.type == "cuda" else HostRecorder()


class Inputs:
    """What differs from step to step, in tensors that stay where they are."""

    def __init__(self, micro_batches: Sequence[MicroBatch], device: torch.device) -> None:
        """Make room for batches of these shapes."""
        self.micro_batches = [copy.deepcopy(batch) for batch in micro_batches]
        # A GPU's kernels read the rate as float32; a CPU's as the number would be.
        precise = torch.float64 if device.type == "cpu" else torch.float32
        self.lr = torch.zeros((), dtype=precise, device=device)
        self.units = torch.zeros((), device=device)

    def fill(self, micro_batches: Sequence[MicroBatch], lr: float, units: int) -> None:
        """Take a step's batches and numbers; the device is not waited for."""
        for own, batch in zip(self.micro_batches, micro_batches, strict=True):
            for kept, tensor in zip(own.tensors(), batch.tensors(), strict=True):
                kept.copy_(tensor, non_blocking=True)
        self.lr.fill_(lr)
        self.units.fill_(units)


class _Shape:
    """Steps of one shape: their inputs, and their recording once there is one."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.steps = self.checks = 0
        self.replay: Callable[[], Moved] | None = None


class Graphed:
    """A step that is recorded and repeated, shape by shape, or done plainly where it is not."""

    def __init__(
        self,
        step: Step,
        parameters: Sequence[Tensor],
        state: Sequence[Tensor],
        device: torch.device,
        recorder: Recorder | None = None,
    ) -> None:
        """Record a step that moves parameters and what their rules remember (`state`)."""
        self._step, self._device = step, device
        self._parameters, self._all = parameters, [*parameters, *state]
        self._recorder = recorder or recorder_on(device)
        self._shapes: dict[Hashable, _Shape] = {}
        self.refusal = ""
        """Why nothing is recorded any more."""

    def __call__(self, micro_batches: Sequence[MicroBatch], lr: float, units: int) -> Moved:
        """Do one step. Its tensors are those of the next step of that shape too."""
        shape = None if self.refusal else self._shape_of(micro_batches)
        if shape is None:
            return self._step(micro_batches, lr, units)
        shape.inputs.fill(micro_batches, lr, units)
        if shape.steps < WARM_UP_STEPS:
            shape.steps += 1
            return self._plainly(shape.inputs)
        if shape.checks < CHECKS:
            return self._checked(shape)
        assert shape.replay is not None
        return shape.replay()

    def _shape_of(self, micro_batches: Sequence[MicroBatch]) -> _Shape | None:
        """Return the steps of this shape; None where there are too many, or it has no fixed one."""
        signatures = tuple(signature_of(batch) for batch in micro_batches)
        if None in signatures:
            return None
        if signatures not in self._shapes:
            if len(self._shapes) == MOST_SHAPES:
                return None
            self._shapes[signatures] = _Shape(Inputs(micro_batches, self._device))
        return self._shapes[signatures]

    def _plainly(self, inputs: Inputs) -> Moved:
        with self._recorder.aside():
            return self._step(inputs.micro_batches, inputs.lr, inputs.units)

    def _checked(self, shape: _Shape) -> Moved:
        """Do a step plainly, after its recording has done the same one."""
        before = [tensor.clone() for tensor in self._all]
        try:
            if shape.replay is None:
                shape.replay = self._recorded(shape.inputs)
            repeated = _copied(shape.replay())
            moved = [parameter.clone() for parameter in self._parameters]
            self._restore(before)
            plain = _copied(self._plainly(shape.inputs))
            self._compare(plain, repeated, before, moved)
            shape.checks += 1
        except Exception as error:  # whatever it is, plain steps can do without
            self._give_up(error)
            self._restore(before)
            plain = self._plainly(shape.inputs)
        if shape.checks == CHECKS:
            self._recorder.forget()
        return plain

    def _recorded(self, inputs: Inputs) -> Callable[[], Moved]:
        return self._recorder.record(
            lambda: self._step(inputs.micro_batches, inputs.lr, inputs.units)
        )

    @torch.no_grad()
    def _restore(self, before: list[Tensor]) -> None:
        for tensor, saved in zip(self._all, before, strict=True):
            tensor.copy_(saved)

    @torch.no_grad()
    def _compare(
        self, plain: Moved, repeated: Moved, before: list[Tensor], moved: list[Tensor]
    ) -> None:
        """Raise ValueError where a repeated step is another than the plain one."""
        _check_close("sum", [*plain.sums.values()], [*repeated.sums.values()], LOSS_TOLERANCE)
        _check_close("gradient norm", [plain.grad_norm], [repeated.grad_norm], NORM_TOLERANCE)
        way = [now - then for now, then in zip(self._parameters, before, strict=False)]
        apart = [now - other for now, other in zip(self._parameters, moved, strict=True)]
        ways, aparts = (torch.stack(torch._foreach_norm(tensors)) for tensors in (way, apart))
        each = (aparts <= LEAST_MOVE * ways).all()
        some = (aparts < USUAL_MOVE * ways).any() | (ways == 0).all()
        if not bool(each & some):
            share = (aparts / ways)[ways > 0]
            raise ValueError(
                "the movement of a repeated step differs from the plain one's by shares of "
                f"{float(share.min()):.3g} to {float(share.max()):.3g}"
            )

    def _give_up(self, error: Exception) -> None:
        self.refusal = f"{type(error).__name__}: {str(error).strip().split(chr(10))[0][:200]}"
        for parameter in self._parameters:
            parameter.grad = None
        self._shapes.clear()
        self._recorder.forget()


def _copied(moved: Moved) -> Moved:
    """Return the outputs apart from those of the next step."""
    sums = {name: tensor.clone() for name, tensor in moved.sums.items()}
    return Moved(sums, moved.grad_norm.clone(), moved.finite.clone(), moved.applied)


def _check_close(name: str, plain: list[Tensor], repeated: list[Tensor], tolerance: float) -> None:
    """Raise ValueError where numbers are further apart than a share of the plain ones."""
    for expected, value in zip(plain, repeated, strict=True):
        if not bool((expected - value).abs() <= tolerance * expected.abs()):
            raise ValueError(
                f"the {name} of a repeated step is {float(value):.6g}, not {float(expected):.6g}"
            )
