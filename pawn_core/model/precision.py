"""In which precision functions that make their own gradients compute."""

import torch
from torch import Tensor


def as_computed(*tensors: Tensor) -> list[Tensor]:
    """Cast to the autocast type, where that is on for the first one's device."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype(device)) for tensor in tensors]
