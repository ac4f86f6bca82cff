"""Sizes of products that data decides, rounded up so that they are few.

The library that computes 16-bit products on a CPU makes code for each size that it meets, and
keeps some 0.7 MB of it for good: sizes that differ from step to step fill the memory.
"""


def rounded(n: int, steps: int = 32) -> int:
    """Return n or somewhat more: of each doubling of sizes at most so many, a power of two.

    At most a part in `steps` is added.
    """
    return n + -n % (1 << max(0, (n // steps).bit_length() - 1))
