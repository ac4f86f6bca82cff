"""Batches on their way to a GPU: copied ahead of time, beside the computation."""

from collections.abc import Callable

import torch

from pawn_core.data.micro_batch import MicroBatch
from pawn_core.data.stream import Stream


class DeviceCopies:
    """Copies batches from pinned memory on a CUDA stream of its own."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._copies = torch.cuda.Stream(device)

    def send(self, batches: list[MicroBatch]) -> list[MicroBatch]:
        """Begin to copy batches to the GPU; called from worker threads, it does not wait."""
        with torch.cuda.stream(self._copies):
            return [batch.to(self._device) for batch in batches]

    def receive(self, batches: list[MicroBatch]) -> list[MicroBatch]:
        """Let what is computed from now on wait for the copies; this thread does not wait.

        Their memory belongs to the copies' stream, which must not use it again too early.
        """
        computation = torch.cuda.current_stream(self._device)
        computation.wait_stream(self._copies)
        for tensor in (tensor for batch in batches for tensor in batch.tensors()):
            tensor.record_stream(computation)
        return batches


def stream_batches(
    make: Callable[[int], list[MicroBatch]], cursor: int, workers: int, device: torch.device
) -> Stream[list[MicroBatch]]:
    """Return the stream of batches from a cursor on, on the device that computes."""
    if device.type == "cpu":
        return Stream(make, cursor, workers)
    copies = DeviceCopies(device)
    return Stream(lambda index: copies.send(make(index)), cursor, workers, copies.receive)
