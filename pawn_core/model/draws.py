"""Draw tokens from logits by numbers that a seed fixes.

Shapes: b sequences, v vocabulary.
"""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def draw(logits_bv: Tensor, temperature: float, uniform_b: Tensor) -> Tensor:
    """Return tokens (b,) drawn from softmax(logits / temperature) by uniform numbers in [0, 1).

    The token is the first whose cumulated probability exceeds the number; at temperature 0, the
    likeliest.
    """
    if temperature == 0.0:
        return logits_bv.argmax(dim=1)
    cumulated_bv = (logits_bv.double() / temperature).softmax(dim=1).cumsum(dim=1)
    threshold_b1 = (uniform_b * cumulated_bv[:, -1])[:, None]
    return torch.searchsorted(cumulated_bv, threshold_b1, right=True).squeeze(1)


def uniform_numbers(seed: int, numbers: Iterable[int], width: int) -> NDArray[np.float64]:
    """Return (b, width) numbers in [0, 1), of which each row belongs to one game of the seed."""
    rows = [
        np.random.Generator(np.random.Philox(key=(seed, number))).random(width)
        for number in numbers
    ]
    return np.stack(rows)
