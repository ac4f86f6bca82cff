"""The processes that train one model on shares of each batch, as torchrun starts them.

Each has the whole model and the same optimizer state. Gradients are summed over the processes, so
every one takes the same step; the first one alone evaluates, saves and writes, and decides when
to stop.
"""

import os
import sys
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

from pawn_core.config import ConfigError, RunConfig
from pawn_core.machine import processes_refusal
from pawn_core.prctl import die_with_parent

_LONGEST_EVALUATION = timedelta(hours=2)
"""The others wait so long for the leading process at most."""


@dataclass(frozen=True)
class Processes:
    """This process among those of the run."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process evaluates, and writes the run's files."""
        return self.rank == 0

    def sum_numbers(self, *numbers: int) -> list[int]:
        """Return the sum of each number over all processes."""
        if self.size == 1:
            return list(numbers)
        totals = torch.tensor(numbers, dtype=torch.int64)
        dist.all_reduce(totals)
        return totals.tolist()

    def sum_tensors(self, tensors: list[Tensor]) -> None:
        """Replace float32 tensors of one device by their sums over all processes."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = flat.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def follow(self, numbers: list[int]) -> list[int]:
        """Return the numbers of the leading process."""
        if self.size == 1:
            return numbers
        leading = torch.tensor(numbers, dtype=torch.int64)
        dist.broadcast(leading, src=0)
        return leading.tolist()


ALONE = Processes()


def join_processes(config: RunConfig) -> Processes:
    """Join the processes that torchrun has started.

    Raises:
        ConfigError: there are not `gpus` of them.
    """
    if (refusal := processes_refusal(config.gpus)) is not None:
        raise ConfigError(refusal)
    if config.gpus == 1:
        return ALONE
    if sys.platform == "linux":
        die_with_parent()  # torchrun; without it the others would wait for hours, on their GPUs
    backend = "gloo" if config.device == "cpu" else "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=_LONGEST_EVALUATION)
    return Processes(dist.get_rank(), config.gpus)


def leave_processes() -> None:
    """Leave the processes joined, if any."""
    if dist.is_initialized():
        dist.destroy_process_group()


def local_device() -> int:
    """Return the number of this process's GPU on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))
