"""The model in numpy, written from its description: an oracle that shares no code with it."""

import math

import numpy as np


def reference_logits(state: dict[str, np.ndarray], x_td: np.ndarray, heads: int, layers: int):
    """The forward pass in float64 numpy, one head, one position at a time, complex rotations."""

    def norm(x, weight):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * weight

    def turned(x_k, t):
        paired = len(x_k) // 2 * 2
        pairs = x_k[0:paired:2] + 1j * x_k[1:paired:2]
        angles = t * 10000.0 ** (-np.arange(len(pairs)) * 2 / paired)
        pairs = pairs * np.exp(1j * angles)
        return np.concatenate((np.stack((pairs.real, pairs.imag), -1).ravel(), x_k[paired:]))

    def attention(x, weights):
        q, k, v = (x @ weights[f"attn.w{w}.weight"].T for w in "qkv")
        out, width = np.zeros_like(x), x.shape[1] // heads
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            for t in range(len(x)):
                query = turned(q[t, part], t)
                scores = [query @ turned(k[s, part], s) / math.sqrt(width) for s in range(t + 1)]
                weight = np.exp(np.array(scores) - max(scores))
                out[t, part] = (weight / weight.sum()) @ v[: t + 1, part]
        return out @ weights["attn.wo.weight"].T

    for n in range(layers):
        w = {k.removeprefix(f"layers.{n}."): v for k, v in state.items() if f"layers.{n}." in k}
        x_td = x_td + attention(norm(x_td, w["attn_norm.weight"]), w)
        y = norm(x_td, w["ffn_norm.weight"])
        gate = y @ w["ffn.w_gate.weight"].T
        hidden = gate / (1 + np.exp(-gate)) * (y @ w["ffn.w_up.weight"].T)
        x_td = x_td + hidden @ w["ffn.w_down.weight"].T
    return norm(x_td, state["final_norm.weight"]) @ state["lm_head.weight"].T
