"""Where a step's time goes, by part of the model and by direction, as torch's profiler sees it.

A sample is a kernel on a GPU, an operation's own time on a CPU. Its part follows from its name, its
direction from the operations around the launch: of a fused kernel, which the compiler names after
what it fuses, the first part that fits counts.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, record_function

from gpu_bench.steps import WARM_UP_STEPS, built, timed
from pawn_core.training.learner import Learner

STEPS = 5
UPDATE = "pawn: update"
"""The range of the optimizer's work, which shares kernels with the model's."""
BACKWARD = re.compile(r"autograd::engine::evaluate_function|Backward|backward")

PARTS: tuple[tuple[str, str], ...] = (
    ("attention", r"flash|fmha|flex|sdpa|attention|varlen"),
    ("Muon and AdamW", r"newton|adam|muon"),
    (
        "matrix products",
        r"gemm|nvjet|cutlass|xmma|cublas|splitk|matmul|triton_tem|"
        r"aten::(mm|addmm|bmm|baddbmm|_weight_int)|mkldnn|mkl_linear|cpp_packed_gemm",
    ),
    ("cross-entropy", r"softmax|nll|cross_entropy|logsumexp|embedding_bag|scatter"),
    ("SwiGLU", r"silu|sigmoid"),
    ("RMSNorm", r"rms_norm|rsqrt|mean_pow|pow_mean"),
    ("rope", r"rope|rotate|(?<![a-z])(cos|sin)(?![a-z])|view_as_(complex|real)|stack"),
    ("embedding", r"embedding|index_put|index_select|aten::index|gather"),
    ("clipping, sums over weights", r"foreach|multi_tensor|_norm|linalg_vector"),
    ("casts and copies", r"_to_copy|copy|memcpy|memset|fill|zero|convert|cat|clone|aten::to"),
    ("other fused", r"triton|cpp_fused"),
)
"""Names of samples, lower case, by part; the first that fits."""
OTHER = "other"


class Sample(NamedTuple):
    """Some time that the device spent."""

    name: str
    around: tuple[str, ...]
    """Names of the operations that it happened in."""
    us: float


class Part(NamedTuple):
    """A row: milliseconds a step by direction, and how many samples a step has."""

    forward_ms: float
    backward_ms: float
    update_ms: float
    count: float


def profile(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a step, by name, and what of it the device was idle."""
    with built(job["fields"], job["runtime"]) as it:
        run, on_gpu = it.run, it.runtime.device.type == "cuda"
        for learner in it.learning.learners:
            mark_updates(learner)
        timed(run, WARM_UP_STEPS)
        plain_s = timed(run, STEPS) / STEPS
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
        with torch.profiler.profile(activities=activities) as profiler:
            profiled_s = timed(run, STEPS) / STEPS
        events = profiler.events()
        found = list(kernels(events or ()) if on_gpu else operations(events or ()))
        return {
            "step_ms": 1e3 * plain_s,
            # A CPU's operations are slowed down by being watched, a GPU's kernels are not.
            "whole_ms": 1e3 * (plain_s if on_gpu else profiled_s),
            "busy_ms": sum(sample.us for sample in found) / 1e3 / STEPS,
            "parts": {name: row._asdict() for name, row in parts(found, STEPS).items()},
            "longest": longest(found, STEPS),
            "way": it.way(),
        }


def mark_updates(learner: Learner) -> None:
    """Give the optimizer's step a range of its own."""
    step = learner.optimizer.step

    def marked() -> None:
        with record_function(UPDATE):
            step()

    learner.optimizer.step = marked  # pyrefly: ignore


def parts(samples: Iterable[Sample], steps: int) -> dict[str, Part]:
    """Return the time of each part a step, the largest first."""
    sums: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for sample in samples:
        row = sums[part_of(sample)]
        row[direction(sample)] += sample.us / 1e3 / steps
        row["count"] += 1 / steps
    rows = {
        name: Part(row["forward"], row["backward"], row["update"], row["count"])
        for name, row in sums.items()
    }
    return dict(sorted(rows.items(), key=lambda item: -sum(item[1][:3])))


def part_of(sample: Sample) -> str:
    """Return the part that a sample belongs to; an unnamed kernel's is that of what launched it."""
    for name in (sample.name, *sample.around):
        lower = name.lower()
        part = next((part for part, pattern in PARTS if re.search(pattern, lower)), None)
        if part is not None:
            return part
    return OTHER


def direction(sample: Sample) -> str:
    """Return whether a sample is of the forward or backward pass, or of the update."""
    if UPDATE in sample.around:
        return "update"
    names = (sample.name, *sample.around)
    return "backward" if any(BACKWARD.search(name) for name in names) else "forward"


def longest(samples: Iterable[Sample], steps: int, most: int = 12) -> list[dict[str, Any]]:
    """Return the names that take the most, with milliseconds and times a step."""
    times, counts = defaultdict[str, float](float), Counter[str]()
    for sample in samples:
        times[sample.name] += sample.us / 1e3 / steps
        counts[sample.name] += 1
    return [
        {"name": name[:100], "ms": ms, "count": counts[name] / steps}
        for name, ms in sorted(times.items(), key=lambda item: -item[1])[:most]
    ]


def operations(events: Iterable[FunctionEvent]) -> Iterator[Sample]:
    """Yield what a CPU's operations took themselves."""
    for event in events:
        if event.self_cpu_time_total > 0 and not _is_range(event):
            yield Sample(event.name, _around(event), event.self_cpu_time_total)


def kernels(events: Iterable[FunctionEvent]) -> Iterator[Sample]:
    """Yield a GPU's kernels: of those that no operation launched, as in a graph, the name alone."""
    unexplained, times = Counter[str](), defaultdict[str, float](float)
    explained = list[Sample]()
    for event in events:
        if event.device_type == DeviceType.CUDA and not _is_range(event):
            unexplained[event.name] += 1
            times[event.name] += event.time_range.elapsed_us()
        elif event.device_type == DeviceType.CPU:
            around = (event.name, *_around(event))
            explained += (Sample(k.name, around, k.duration) for k in event.kernels)
    for sample in explained:
        unexplained[sample.name] -= 1
        times[sample.name] -= sample.us
    yield from (sample for sample in explained if sample.us > 0)
    for name, count in unexplained.items():
        for _ in range(count):
            yield Sample(name, (), times[name] / count)


def _is_range(event: FunctionEvent) -> bool:
    return event.name.startswith(("ProfilerStep", UPDATE)) or bool(
        getattr(event, "is_user_annotation", False)
    )


def _around(event: FunctionEvent) -> tuple[str, ...]:
    names, parent = [], event.cpu_parent
    while parent is not None:
        names.append(parent.name)
        parent = parent.cpu_parent
    return tuple(names)
