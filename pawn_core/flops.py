"""Floating-point operations of training, and what devices can do at most. Never imports torch.

Convention: a matrix product (m, k) x (k, n) is 2 m k n operations; the backward pass costs twice
the forward pass, and recomputed activations count for nothing. Attention counts each pair of a
query and a key that the causal mask lets through. Padding, embedding lookups, norms, softmax and
the optimizer are left out (as Chowdhery et al., 2022, appendix B, arXiv 2204.02311, but causal).
"""

from pawn_core.config import Architecture

BACKWARD_AND_FORWARD = 3

PEAK_16_BIT_FLOPS = {
    "B200": 2250e12,
    "H200": 989.4e12,
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989.4e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "MI300X": 1307.4e12,
}
"""Dense bfloat16 peak by a part of the device's name, from the vendors' data sheets; the first
name that fits counts."""


def matrix_parameters(architecture: Architecture, vocabulary_size: int) -> int:
    """Return the weights that every token is multiplied with: layers and head."""
    d_model, n_layers, _, d_ff = architecture
    return n_layers * (4 * d_model**2 + 3 * d_model * d_ff) + d_model * vocabulary_size


def training_flops(
    architecture: Architecture, vocabulary_size: int, tokens: int, pairs: int
) -> int:
    """Return the operations of one forward and backward pass.

    `tokens` are those of games, `pairs` their (query, key) pairs: n (n + 1) / 2 for a game of n.
    """
    matrices = 2 * matrix_parameters(architecture, vocabulary_size) * tokens
    attention = 2 * 2 * architecture.d_model * architecture.n_layers * pairs
    return BACKWARD_AND_FORWARD * (matrices + attention)


def adapting_flops(
    architecture: Architecture,
    vocabulary_size: int,
    tokens: int,
    pairs: int,
    first_layer: int,
    trained: int,
) -> int:
    """Return the operations of a forward pass, and of a backward pass down to a layer.

    `trained`: weights whose gradients are computed; what an adapter adds to the forward pass is
    left out.
    """
    d_model, n_layers, _, d_ff = architecture
    head = d_model * vocabulary_size
    layer = 4 * d_model**2 + 3 * d_model * d_ff
    attention = 2 * d_model * pairs
    above = n_layers - first_layer
    forward = n_layers * (layer * tokens + attention) + head * tokens
    backward = above * (layer * tokens + 2 * attention) + head * tokens
    return 2 * (forward + backward + trained * tokens)


def text_flops(
    architecture: Architecture,
    vocabulary_size: int,
    tokens: int,
    told: int,
    pairs: int,
    *,
    gated: bool = True,
) -> int:
    """Return the operations of a forward pass over texts; with a backward pass it is thrice that.

    `told`: those of the tokens after which the next one is asked, which alone meet the head.
    `gated`: whether the feed-forward layers have three matrices (SwiGLU), or two (GPT-2).
    """
    d_model, n_layers, _, d_ff = architecture
    layers = n_layers * (4 * d_model**2 + (3 if gated else 2) * d_model * d_ff)
    attention = 2 * d_model * n_layers * pairs
    return 2 * (layers * tokens + d_model * vocabulary_size * told + attention)


def peak_flops(device_name: str) -> float | None:
    """Return a device's dense 16-bit peak in operations a second; None where it is unknown."""
    names = (name for name in PEAK_16_BIT_FLOPS if name in device_name)
    return PEAK_16_BIT_FLOPS.get(next(names, ""))
