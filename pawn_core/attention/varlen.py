"""`torch.nn.attention.varlen.varlen_attn` in whichever spelling this torch has.

An own module, since torch's imports the compiler.
"""

from inspect import signature
from typing import Any

from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

from pawn_core.attention.masks import Sequences


def _causal() -> dict[str, Any]:
    spellings: dict[str, Any] = {"window_size": (-1, 0), "is_causal": True}
    parameters = signature(varlen_attn).parameters
    return next({name: value} for name, value in spellings.items() if name in parameters)


_CAUSAL = _causal()


def attend(q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, where: Sequences) -> Tensor:
    """Return attention's mix of the values, (n, h, k)."""
    bounds = (where.begins_r, where.begins_r, where.longest, where.longest)
    mixed_nhk = varlen_attn(q_nhk, k_nhk, v_nhk, *bounds, **_CAUSAL)
    assert isinstance(mixed_nhk, Tensor)
    return mixed_nhk
