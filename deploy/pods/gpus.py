"""The GPUs that pods are made of: what they are called, what they cost, what was measured on them.

Prices and steps are as published in 2026; what a pod really costs an hour is in its `status`.
Standard library only.
"""

from typing import NamedTuple

STEPS = 100_000


class Speed(NamedTuple):
    """Step time of small, base and large trained at once on shared batches of 256 games."""

    step_s: float
    source: str
    """`published`, or the commit that scripts/bench_gpu.py was run at."""


class Gpu(NamedTuple):
    """A kind of GPU.

    name: the shortcut. runpod_id: what the provider calls it. memory_gb: of one.
    dollars: an hour of one; None: not published.
    """

    name: str
    runpod_id: str
    memory_gb: int
    dollars: float | None = None
    speed: Speed | None = None


GPUS = (
    Gpu("b200", "NVIDIA B200", 180, 4.99, Speed(0.28, "published")),
    Gpu("h200", "NVIDIA H200", 141, 3.59, Speed(0.34, "published")),
    Gpu("h100", "NVIDIA H100 80GB HBM3", 80),
    Gpu(
        "rtxpro6000",
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
        96,
        1.89,
        Speed(0.62, "published"),
    ),
    Gpu("a100", "NVIDIA A100 80GB PCIe", 80, 1.39, Speed(0.79, "published")),
    Gpu("l40s", "NVIDIA L40S", 48, 0.86, Speed(1.37, "published")),
    Gpu("a6000", "NVIDIA RTX 6000 Ada Generation", 48, 0.77),
    Gpu("a40", "NVIDIA A40", 48),
    Gpu("5090", "NVIDIA GeForce RTX 5090", 32),
    Gpu("4090", "NVIDIA GeForce RTX 4090", 24),
    Gpu("a5000", "NVIDIA RTX A5000", 24),
)


def dollars_of(gpu: Gpu, steps: int = STEPS) -> float | None:
    """Return what so many steps cost: seconds a step x steps / 3600 x dollars an hour."""
    if gpu.speed is None or gpu.dollars is None:
        return None
    return gpu.speed.step_s * steps / 3600 * gpu.dollars


def gpu_named(name: str) -> Gpu:
    """Return the GPU with a shortcut, or with the provider's own name.

    Raises:
        ValueError: names the allowed ones.
    """
    for gpu in GPUS:
        if name.lower() == gpu.name or name == gpu.runpod_id:
            return gpu
    allowed = ", ".join(gpu.name for gpu in GPUS)
    raise ValueError(f"--gpu {name!r} is unknown; one of: {allowed}, or the provider's name of one")


def table() -> list[str]:
    """Return the lines of a Markdown table of all GPUs."""
    lines = [
        f"| shortcut | GPU | GB | $/h | step s | {STEPS:,} steps $ | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for gpu in GPUS:
        cost = dollars_of(gpu)
        cells = (
            gpu.name,
            gpu.runpod_id.removeprefix("NVIDIA "),
            str(gpu.memory_gb),
            "-" if gpu.dollars is None else f"{gpu.dollars:.2f}",
            "-" if gpu.speed is None else f"{gpu.speed.step_s:.2f}",
            "-" if cost is None else f"{cost:.0f}",
            "-" if gpu.speed is None else gpu.speed.source,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines
