"""Keys and values of the positions seen so far, so that generation computes each position once.

Shapes: l layers, b batch, h heads, t time, k channels of a head.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from pawn_core.model.attention import attend


class Cache(Protocol):
    """What new positions attend to besides themselves."""

    def attend(self, layer: int, q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor) -> Tensor:
        """Keep a layer's keys and values of new positions; return attention's mix for these."""
        ...


class Past(NamedTuple):
    """A layer's share of the positions already computed."""

    cache: Cache
    layer: int

    def attend(self, q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor) -> Tensor:
        """Keep the keys and values of new positions; return attention's mix for these."""
        return self.cache.attend(self.layer, q_bhtk, k_bhtk, v_bhtk)


class KeyValueCache:
    """What attention needs of the positions computed so far."""

    def __init__(self, shape_lbhtk: tuple[int, int, int, int, int], like: Tensor) -> None:
        """Make room for positions up to t, with the dtype and device of another tensor."""
        self._keys_lbhtk = torch.empty(shape_lbhtk, dtype=like.dtype, device=like.device)
        self._values_lbhtk = torch.empty_like(self._keys_lbhtk)
        self.length = 0
        """Positions held."""

    def attend(self, layer: int, q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor) -> Tensor:
        """Keep a layer's keys and values of new positions; return attention's mix for these.

        Any number of positions into an empty cache, then one at a time.
        """
        keys, values = self._extend(layer, k_bhtk, v_bhtk)
        return attend(q_bhtk, keys, values, causal=self.length == 0)

    def _extend(self, layer: int, k_bhtk: Tensor, v_bhtk: Tensor) -> tuple[Tensor, Tensor]:
        """Store a layer's keys and values of new positions and return those of all positions."""
        end = self.length + k_bhtk.shape[2]
        self._keys_lbhtk[layer, :, :, self.length : end] = k_bhtk
        self._values_lbhtk[layer, :, :, self.length : end] = v_bhtk
        return self._keys_lbhtk[layer, :, :, :end], self._values_lbhtk[layer, :, :, :end]
