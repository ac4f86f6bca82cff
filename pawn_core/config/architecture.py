"""Model sizes: the named variants and the dimensions they stand for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Architecture(NamedTuple):
    """Transformer dimensions: width, depth, attention heads and feed-forward width."""

    d_model: int
    n_layers: int
    n_heads: int
    d_ff: int


VARIANTS = MappingProxyType(
    {
        "toy": Architecture(d_model=64, n_layers=2, n_heads=4, d_ff=256),
        "small": Architecture(d_model=256, n_layers=8, n_heads=4, d_ff=1024),
        "base": Architecture(d_model=512, n_layers=8, n_heads=8, d_ff=2048),
        "large": Architecture(d_model=640, n_layers=10, n_heads=8, d_ff=2560),
    }
)
"""Published sizes (model card of PAWN-Base, 2026); `toy` is for tests and demos."""


def resolve_architecture(
    variant: str,
    d_model: int | None,
    n_layers: int | None,
    n_heads: int | None,
    d_ff: int | None,
    variants: Mapping[str, Architecture] = VARIANTS,
) -> Architecture:
    """Fill the dimensions that were not given: from the variant, or `d_ff = 4 d_model`.

    Raises:
        ValueError: `custom` lacks a dimension, or the heads do not divide the width evenly.
    """
    preset = variants.get(variant, (None, None, None, None))
    width, depth, heads = d_model or preset[0], n_layers or preset[1], n_heads or preset[2]
    if width is None or depth is None or heads is None:
        raise ValueError("variant 'custom' needs d_model, n_layers and n_heads")
    _check_head_dimension(width, heads)
    return Architecture(width, depth, heads, d_ff or 4 * width)


def nearest_variant(
    architecture: Architecture, given: str, variants: Mapping[str, Architecture] = VARIANTS
) -> str:
    """Return the named variant that shares the most dimensions; of several the given one."""

    def shared(name: str) -> tuple[int, bool]:
        pairs = zip(variants[name], architecture, strict=True)
        return sum(a == b for a, b in list(pairs)[:3]), name == given

    return max(variants, key=shared)


def _check_head_dimension(d_model: int, n_heads: int) -> None:
    if d_model % n_heads:
        divisors = [h for h in range(1, 65) if d_model % h == 0 and (d_model // h) % 2 == 0]
        raise ValueError(
            f"d_model {d_model} is not divisible by n_heads {n_heads}; "
            f"n_heads that fit: {', '.join(map(str, divisors)) or 'none'}"
        )
    if (d_model // n_heads) % 2:
        raise ValueError(
            f"head dimension d_model / n_heads = {d_model // n_heads} is odd; "
            "rotary position encoding turns pairs of channels and needs an even one"
        )
