"""Keys and values of prompts, each computed once for the several sequences that go on from it.

Sequences stand in a grid, a row a prompt, so that all that go on from one prompt meet its keys in
one product.

Shapes: p prompts, w sequences of a prompt, b = p * w sequences, h heads, s positions of a prompt,
t positions after it, k channels of a head.
"""

import torch
from torch import Tensor

from pawn_core.model.attention import attend

_Layer = tuple[Tensor, Tensor]


class PromptCache:
    """Keeps what attention computes of prompts that begin together, padding behind them."""

    def __init__(self) -> None:
        self.layers: list[_Layer] = []
        """Keys and values, (p, h, s, k) each."""

    def attend(self, layer: int, q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor) -> Tensor:
        """Keep a layer's keys and values of the prompts; return causal attention's mix."""
        assert layer == len(self.layers)
        self.layers.append((k_bhtk, v_bhtk))
        return attend(q_bhtk, k_bhtk, v_bhtk)


class SharedPromptCache:
    """What sequences attend to: the prompt of their row in the grid, and their own positions."""

    def __init__(self, prompts: PromptCache, lengths_p: Tensor, width: int, room: int) -> None:
        """Make room for so many positions of so many sequences of each prompt."""
        first = prompts.layers[0][0]
        p, heads, positions, channels = first.shape
        self._prompts = [(k.flatten(0, 1), v.flatten(0, 1)) for k, v in prompts.layers]
        absent_ps = torch.arange(positions, device=first.device) >= lengths_p[:, None]
        self._mask_p11s = torch.zeros(p, 1, 1, positions, device=first.device)
        self._mask_p11s.masked_fill_(absent_ps[:, None, None], -torch.inf)
        shape = (len(self._prompts), 2, p * width * heads, room, channels)
        self._own = torch.empty(shape, dtype=first.dtype, device=first.device)
        self._heads = heads
        self.length = 0
        """Positions of each sequence that are held."""

    def attend(self, layer: int, q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor) -> Tensor:
        """Keep a layer's keys and values of one new position; return attention's mix for it."""
        prompts, heads, end = len(self._mask_p11s), self._heads, self.length + 1
        keys, values = self._own[layer, :, :, :end]
        keys[:, -1:], values[:, -1:] = k_bhtk.flatten(0, 1), v_bhtk.flatten(0, 1)
        prompt_keys, prompt_values = self._prompts[layer]
        q_bhtk = q_bhtk * q_bhtk.shape[-1] ** -0.5
        q_phwk = q_bhtk.unflatten(0, (prompts, -1)).squeeze(3).transpose(1, 2)
        of_prompt_phws = torch.bmm(q_phwk.flatten(0, 1), prompt_keys.mT).unflatten(0, (-1, heads))
        own_phwt = _by_head(torch.bmm(q_bhtk.flatten(0, 1), keys.mT), prompts, heads)
        scores = torch.cat((of_prompt_phws + self._mask_p11s, own_phwt), dim=-1)
        shares = scores.float().softmax(dim=-1).to(q_bhtk.dtype)
        prompt_shares, own_shares = shares.tensor_split([prompt_keys.shape[1]], dim=-1)
        mixed_phwk = torch.bmm(prompt_shares.flatten(0, 1), prompt_values).unflatten(0, (-1, heads))
        own_bh1t = own_shares.transpose(1, 2).flatten(0, 2)[:, None]
        mixed_phwk += _by_head(torch.bmm(own_bh1t, values), prompts, heads)
        return mixed_phwk.transpose(1, 2).flatten(0, 1)[:, :, None]

    def keep(self, prompts_p: Tensor, sequences_b: Tensor) -> None:
        """Go on with some prompts, and as many sequences of each as there are of any."""
        heads = self._heads

        def of_heads(indices: Tensor) -> Tensor:
            each = torch.arange(heads, device=indices.device)
            return (indices[:, None] * heads + each).flatten()

        rows = of_heads(prompts_p)
        self._prompts = [(keys[rows], values[rows]) for keys, values in self._prompts]
        self._mask_p11s = self._mask_p11s[prompts_p]
        own = self._own[:, :, of_heads(sequences_b), : self.length]
        room = self._own.shape[3]
        self._own = own.new_empty(*own.shape[:3], room, own.shape[4])
        self._own[:, :, :, : self.length] = own


def _by_head(x_n1t: Tensor, prompts: int, heads: int) -> Tensor:
    """Return (p * w * h, 1, ..) as (p, h, w, ..)."""
    return x_n1t.squeeze(1).unflatten(0, (prompts, -1, heads)).transpose(1, 2)
