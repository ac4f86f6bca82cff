"""A process that does one job: `python -m gpu_bench.child JOB`, JSON; its answers are JSON lines.

Nothing else reaches its standard output, so that a library's chatter cannot be taken for them.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from gpu_bench.jobs import CHECK, GRPO, PROFILE, STEPS


def _steps(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from gpu_bench.steps import measure

    yield measure(job)


def _check(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from gpu_bench.checks import check

    return check(job)


def _profile(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from gpu_bench.profiles import profile

    yield profile(job)


def _grpo(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    from bench_grpo import bench  # needs more packages than the others

    precision = job["fields"].get("amp_dtype", "bfloat16")
    yield bench(job["policy"], precision, job["grpo_steps"], job["tokens"], job["fields"]["device"])


KINDS: dict[str, Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]]] = {
    STEPS: _steps,
    CHECK: _check,
    PROFILE: _profile,
    GRPO: _grpo,
}
"""What a job of each kind does; one of kind `start` is a trainer's process itself."""


def answers(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a job's answers, the last of them why it failed, if it did."""
    try:
        yield from KINDS[job["kind"]](job)
    except Exception as error:
        yield {"failed": reason(error)}


def reason(error: Exception) -> str:
    """Return an error in one line."""
    if type(error).__name__ == "OutOfMemoryError":
        return "out of memory"
    first = (str(error).splitlines() or [""])[0]
    return f"failed: {type(error).__name__}: {first[:160]}"


def device_line(device: str) -> str:
    """Return what the figures are of."""
    import torch

    name = torch.cuda.get_device_name(device) if device != "cpu" else "CPU"
    return f"{name}, torch {torch.__version__}, Python {sys.version.split()[0]}"


def main() -> None:
    """Do the job named on the command line."""
    wire = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.argv[1]) | {"launched": float(sys.argv[2])}
    of = {"device": device_line(job["fields"]["device"])}
    for answer in chain([of], answers(job)):
        wire.write(json.dumps(answer | {"told": time.time()}) + "\n")
        wire.flush()


if __name__ == "__main__":
    main()
