"""`torch.nn.attention.varlen.varlen_attn` in whichever spelling this torch has.

An own module, since torch's imports the compiler.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

from pawn_core.attention.masks import Sequences


def causal_in(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the argument by which varlen attention is told that no key is after its query.

    Raises:
        TypeError: it has neither.
    """
    spellings: dict[str, Any] = {"is_causal": True, "window_size": (-1, 0)}
    for name, value in spellings.items():
        if name in signature(function).parameters:
            return {name: value}
    raise TypeError(f"{function.__name__} has none of {', '.join(spellings)}")


_CAUSAL = causal_in(varlen_attn)


def attend(q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, where: Sequences) -> Tensor:
    """Return attention's mix of the values, (n, h, k)."""
    bounds = (where.begins_r, where.begins_r, where.longest, where.longest)
    mixed_nhk = varlen_attn(q_nhk, k_nhk, v_nhk, *bounds, **_CAUSAL)
    assert isinstance(mixed_nhk, Tensor)
    return mixed_nhk
