"""Random numbers by address: number i of a stream of a seed, in any order, from any thread.

The stream is SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195) from a state that
a digest of seed and stream's name fixes; its i-th number needs none of those before.
"""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def stream_seed(seed: int, stream: str) -> int:
    """Return a seed of 64 bits for a stream of its own."""
    return int.from_bytes(blake2b(f"{seed} {stream}".encode(), digest_size=8).digest(), "little")


def random_bits(seed: int, stream: str, addresses: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the 64 bits at each address of a stream."""
    z = np.uint64(stream_seed(seed, stream)) + (addresses.astype(np.uint64) + np.uint64(1)) * _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


def uniform(seed: int, stream: str, addresses: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the number in [0, 1) at each address of a stream."""
    return (random_bits(seed, stream, addresses) >> np.uint64(11)).astype(np.float64) * 2.0**-53
