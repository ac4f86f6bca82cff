"""What there is to measure, most valuable first: each job is done by a process of its own.

A way is a choice that changes speed or memory, hardly what is computed: fields of the config, and
attributes of `Runtime` for what no config can choose. Never imports torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from pawn_core.config.architecture import VARIANTS

CHECK, STEPS, START, PROFILE, GRPO = "check", "steps", "start", "profile", "grpo"
"""Kinds of jobs: what is done with a config."""

EXACT = {"targets": "legal", "optimizer": "muon"}
"""Exact targets, and the optimizer that learns fastest from them (docs/training.md)."""
_HEAD_OF_LARGE = {"variant": "custom", "d_model": 160, "n_heads": 2, "d_ff": 640}


class Way(NamedTuple):
    """One way of computing: what it sets."""

    name: str
    fields: Mapping[str, Any] = {}
    runtime: Mapping[str, Any] = {}
    """Attributes of `Runtime`."""
    noise: float = 2.0
    """How many times as far from float32 as plain 16-bit steps it may be."""


PLAIN = Way("eager, padded", {"no_compile": True, "batching": "padded"})
"""What needs no kernel of its own; in 16 bits it is the yardstick of rounding."""

ALONE: tuple[Way, ...] = (
    Way("cuda graphs", {"cuda_graphs": True}),
    Way("16-bit residual", {"residual_dtype": "amp"}, noise=4.0),
    Way("flex attention", {"attention": "flex"}),
    Way("operands kept", {}, {"keeps_operands": True}),
    Way("whole model compiled", {}, {"whole_graph": True}),
    Way("no copy of weights", {}, {"weights_copy": False}),
    Way("not compiled", {"no_compile": True}),
    Way("checkpointing", {"gradient_checkpointing": True}),
    Way("float16", {"amp_dtype": "float16"}),
    Way("aten's flash kernel", {"attention": "flash"}),
    Way("dense masks", {"attention": "dense", "batching": "packed"}),
    Way("padded", {"batching": "padded"}),
    Way("bucketed", {"batching": "bucketed"}),
    Way("math attention", {"sdpa_math": True}),  # last: it holds for the whole process
)
"""Ways that differ in one thing from what a config does by default."""
TOGETHER = Way("graphs and residual", {"cuda_graphs": True, "residual_dtype": "amp"}, noise=4.0)
CHECKED: tuple[Way, ...] = (
    Way("default"),
    *ALONE[:2],
    TOGETHER,
    Way("exact targets", {"targets": "legal"}),
    Way("exact, graphs, Muon", EXACT | {"cuda_graphs": True}),
    Way("heads of 80", _HEAD_OF_LARGE),
    Way("float32", {"amp_dtype": "none"}),
    Way("float32, not compiled", {"amp_dtype": "none", "no_compile": True}),
    *ALONE[2:],
)
"""Ways whose losses and gradients are compared with those of float32 steps, most trusted first."""


@dataclass(frozen=True)
class Job:
    """A row, or a table, of a section."""

    section: str
    name: str
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    runtime: Mapping[str, Any] = field(default_factory=dict)
    work_s: float = 10.0
    """Seconds that it takes on an H200, as far as can be told, its starts and compiling apart."""
    starts: float = 1.0
    """How often a process starts and compiles for it."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def jobs(variants: Sequence[str]) -> list[Job]:
    """Return every job, most valuable first, so that a plan takes as many as it has time for."""
    main, small = main_variant(variants), variants[0]
    others = [name for name in variants if name not in (main, small)]
    cotrain = f"cotrain of {', '.join(variants)}"
    exact, together = {"variant": main} | EXACT, dict(TOGETHER.fields)
    first = [
        Job("check", "every way against float32", CHECK, work_s=20),
        _steps("bars", main, {"variant": main}),
        _steps("bars", f"{main}, Muon, exact targets", exact),
        _steps("bars", small, {"variant": small}),
        _steps("bars", f"{small}, cuda graphs", {"variant": small, "cuda_graphs": True}),
        _steps("bars", f"{main}, {TOGETHER.name}", {"variant": main} | together),
        Job("start", main, START, {"variant": main}, work_s=15, starts=1.5),
        _steps("ways", f"{main}, flex attention", {"variant": main, "attention": "flex"}),
        Job("profile", main, PROFILE, {"variant": main}),
        _steps("bars", cotrain, _cotrain(variants), work_s=25, starts=2),
    ]
    ways = [_of_way(main, way) for way in ALONE if way.name != "flex attention"]
    later = [
        Job("start", f"{main}, Muon, exact targets", START, exact, work_s=15, starts=1.5),
        *(_steps("bars", name, {"variant": name}) for name in others),
        _steps("bars", f"{main}, exact, {TOGETHER.name}", exact | together),
        _steps("bars", f"{cotrain}, {TOGETHER.name}", _cotrain(variants) | together, starts=2),
        Job("profile", small, PROFILE, {"variant": small}),
        Job("grpo", "8 prompts x 8 completions of 100 tokens", GRPO, work_s=30),
    ]
    return list({(job.section, job.name): job for job in (*first, *ways, *later)}.values())


def _steps(
    section: str, name: str, fields: Mapping[str, Any], work_s: float = 10.0, starts: float = 1.0
) -> Job:
    return Job(section, name, STEPS, fields, work_s=work_s, starts=starts)


def _of_way(variant: str, way: Way) -> Job:
    fields = {"variant": variant} | dict(way.fields)
    return Job("ways", f"{variant}, {way.name}", STEPS, fields, way.runtime)


def _cotrain(variants: Sequence[str]) -> dict[str, Any]:
    return {"run_type": "cotrain", "variants": {name: {} for name in variants}}


def sections() -> list[str]:
    """Return the names of the sections."""
    return list(dict.fromkeys(job.section for job in jobs(["base"])))


def main_variant(variants: Sequence[str]) -> str:
    """Return the variant whose ways are compared."""
    return "base" if "base" in variants else variants[-1]


def checked_fields(variants: Sequence[str]) -> dict[str, Any]:
    """Return the small model of a check: heads as wide as those of the main variant, two layers."""
    sizes = VARIANTS[main_variant(variants)]
    wide = sizes.d_model // sizes.n_heads
    shape = {"d_model": 2 * wide, "n_heads": 2, "n_layers": 2, "d_ff": 8 * wide}
    return {"variant": "custom"} | shape


def chosen(rows: Sequence[Job], names: Sequence[str]) -> Iterator[Job]:
    """Yield the jobs of some sections; of all where none is named."""
    return (job for job in rows if not names or job.section in names)
