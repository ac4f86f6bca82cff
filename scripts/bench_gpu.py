"""Measure pretraining on a GPU and print Markdown tables; without a GPU, say so and end well.

Each row trains as `pawn-train` does, with data workers, on 256 games of 512 plies a step, compiled,
in bfloat16. Its figures are those of the run's own train records, medians of three windows of
steps. A row that fails, for want of memory say, says so, and the next one is measured.

    python scripts/bench_gpu.py                             every section
    python scripts/bench_gpu.py sizes --variants small      one of them
    python scripts/bench_gpu.py grpo                        steps of scripts/bench_grpo.py
    python scripts/bench_gpu.py --longest 8 --set lr=1e-3   train base for 8 hours instead
"""

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pawn_core.config import RunConfig, parse_config
from pawn_core.data.sequences import Batch
from pawn_core.metrics import read_records
from pawn_core.run_paths import RunPaths
from pawn_core.runtime import Runtime, resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.training.learning import Learning
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.trainer import build_run, run_training

WARM_UP_STEPS = 10  # packed rows have two shapes to compile
WINDOWS = 3
EVALUATIONS = 8
TRAINING_SHARE = 0.85  # of the hours given; the rest is for compiling and evaluating

REINFORCEMENT = "grpo"
"""The section of another script: steps that sample as well as learn."""

RECIPE = {"targets": "legal", "optimizer": "muon", "lr": 3e-3}
"""What learned fastest at small size, on batches of 2 games (docs/training.md); of larger ones no
rate has been measured: `--set lr=...` changes it."""


class Row(NamedTuple):
    """One configuration's figures, per step unless said otherwise."""

    step_s: float
    games_per_s: float
    mfu: float | None
    """Of all models together, padding excluded; None where the device's peak is unknown."""
    data_wait_s: float
    memory_bytes: float | None
    one_off_s: float
    """What the first steps took more than later ones: compilation above all."""
    padding: float
    """Share of the computed tokens that belong to no game."""


def measure(config: RunConfig, steps: int) -> Row:
    """Train a few steps of a config and return its figures."""
    runtime = resolve_runtime(config)
    if runtime.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(runtime.device)
    setup = Setup(config, Path("unwritten"), runtime, StopFlag())
    run = build_run(setup, metrics=None)
    learning = run.task
    assert isinstance(learning, Learning)
    try:
        warm_up_s = timed(run, WARM_UP_STEPS)
        windows = [window(run, learning, steps) for _ in range(WINDOWS)]
    finally:
        run.task.close()
    [*_, typical] = sorted(windows, key=lambda fields: fields["step_s"])[: WINDOWS // 2 + 1]
    batches = [learning.learners[0].task.make_batch(index) for index in range(4)]
    return Row(
        step_s=typical["step_s"],
        games_per_s=typical["games_per_s"],
        mfu=typical["mfu"],
        data_wait_s=typical["data_wait_s"],
        memory_bytes=typical["device_memory_bytes"],
        one_off_s=max(0.0, warm_up_s - WARM_UP_STEPS * typical["step_s"]),
        padding=padding([part for parts in batches for part in parts]),
    )


def timed(run: Run, steps: int) -> float:
    """Do steps and return their seconds."""
    begin = time.perf_counter()
    for _ in range(steps):
        run.advance()
    run.task.check()  # waits for the device
    return time.perf_counter() - begin


def window(run: Run, learning: Learning, steps: int) -> dict[str, Any]:
    """Return the train record of a window of steps, the models' shares of the peak added up."""
    for learner in learning.learners:
        learner.stats.take()
    timed(run, steps)
    records = [learner.stats.take() for learner in learning.learners]
    shares = [record["mfu"] for record in records]
    mfu = None if None in shares else sum(share for share in shares if share is not None)
    return {**records[0], "mfu": mfu}


def padding(parts: list[Batch]) -> float:
    """Return the share of the computed tokens that belong to no game."""
    needed = sum(len(part.positions_n) for part in parts)
    return 1 - needed / sum(part.tokens_bt.numel() for part in parts)


def main_variant(variants: list[str]) -> str:
    """Return the variant whose alternatives are compared."""
    return "base" if "base" in variants else variants[-1]


def sections(variants: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the rows of each section: their names and what they set."""
    main = main_variant(variants)
    one = {"variant": main}
    return {
        "sizes": {variant: {"variant": variant} for variant in variants},
        "batching": {
            f"{main}, {batching}": one | {"batching": batching}
            for batching in ("packed", "bucketed", "padded")
        },
        "targets": {f"{main}, {t} targets": one | {"targets": t} for t in ("sampled", "legal")},
        "optimizer": {f"{main}, {o}": one | {"optimizer": o} for o in ("adamw", "muon")},
        "cotrain": {
            " + ".join(variants): {"run_type": "cotrain", "variants": {v: {} for v in variants}}
        },
    }


def figures(fields: dict[str, Any], steps: int) -> Row | str:
    """Return a config's figures, or why there are none; leaves the GPU's memory free."""
    try:
        return _measured(parse_config(fields).model_dump_json(), steps)
    except torch.OutOfMemoryError:
        return "out of memory"
    except Exception as error:
        return f"failed: {type(error).__name__}: {str(error).splitlines()[0][:160]}"
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if "torch._dynamo" in sys.modules:
            torch._dynamo.reset()


@cache
def _measured(config: str, steps: int) -> Row:
    """Measure a config that is in several sections once."""
    return measure(parse_config(json.loads(config)), steps)


def table(rows: dict[str, dict[str, Any]], steps: int) -> Iterator[str]:
    """Yield the lines of a section's table, each as soon as it is measured."""
    heads = ("", "step ms", "games/s", "useful MFU %", "data wait ms", "memory GiB")
    yield "| " + " | ".join((*heads, "padding %", "one-off s")) + " |"
    yield "|---" * 8 + "|"
    for name, fields in rows.items():
        found = figures(fields, steps)
        cells = cells_of(found) if isinstance(found, Row) else (found, *[""] * 6)
        yield "| " + " | ".join((name, *cells)) + " |"


def cells_of(row: Row) -> tuple[str, ...]:
    """Return a row's figures as text."""
    return (
        f"{1e3 * row.step_s:.1f}",
        f"{row.games_per_s:,.0f}",
        "unknown" if row.mfu is None else f"{100 * row.mfu:.1f}",
        f"{1e3 * row.data_wait_s:.2f}",
        "-" if row.memory_bytes is None else f"{row.memory_bytes / 2**30:.1f}",
        f"{100 * row.padding:.1f}",
        f"{row.one_off_s:.0f}",
    )


def train_longest(hours: float, fields: dict[str, Any], run_dir: Path) -> None:
    """Train for about so many hours and print each evaluation against steps and hours."""
    fields = RECIPE | fields
    step_s = measure(parse_config(fields), steps=20).step_s
    steps = max(EVALUATIONS, int(TRAINING_SHARE * hours * 3600 / step_s))
    plan = {"total_steps": steps, "eval_interval": steps // EVALUATIONS}
    plan |= {"log_interval": max(1, steps // 50)}
    outcome = run_training(parse_config(fields | plan), run_dir, None, StopFlag())
    print(f"\n{outcome.message}; {json.dumps(fields | plan)}\n")
    print("\n".join(evaluations(run_dir)))


def evaluations(run_dir: Path) -> Iterator[str]:
    """Yield a table of a run's evaluations."""
    records, _ = read_records(RunPaths(run_dir).metrics)
    names = ("kl", "val_loss", "top1", "legal_rate", "game_completion_both")
    yield "| step | hours | " + " | ".join(names) + " |"
    yield "|---" * (2 + len(names)) + "|"
    for record in records:
        if record["type"] == "eval":
            hours = (record["time"] - records[0]["time"]) / 3600
            values = ("-" if record[n] is None else f"{record[n]:.4f}" for n in names)
            yield f"| {record['step']:,} | {hours:.3g} | " + " | ".join(values) + " |"


def reinforcement(device: str) -> None:
    """Print the seconds of each phase of grpo's steps at GPT-2's size, or why there are none."""
    print(f"\n**{REINFORCEMENT}**, 8 prompts x 8 completions of 100 tokens\n", flush=True)
    try:
        from bench_grpo import bench  # needs more packages than the other sections

        figures = bench("gpt2", "bfloat16", steps=8, tokens=100, device=device)
        print("| " + " | ".join(figures) + " |")
        print("|---" * len(figures) + "|")
        print("| " + " | ".join(map(str, figures.values())) + " |")
    except Exception as error:
        print(f"failed: {type(error).__name__}: {str(error).splitlines()[0][:160]}")


def device_line(runtime: Runtime) -> str:
    """Return what the figures are of."""
    on_gpu = runtime.device.type == "cuda"
    name = torch.cuda.get_device_name(runtime.device) if on_gpu else "CPU"
    how = "compiled" if runtime.compiled else "not compiled"
    return f"{name}, torch {torch.__version__}, {runtime.amp_dtype or torch.float32}, {how}"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options; ends the program where it is wrong."""
    names = [*sections(["base"]), REINFORCEMENT]
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    add = parser.add_argument
    add("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(names)}; default: all")
    add("--variants", nargs="+", metavar="NAME", default=["small", "base", "large"])
    add("--batch-size", type=int, default=256)
    add("--max-seq-len", type=int, default=512)
    add("--num-workers", type=int, default=4)
    add("--steps", type=int, default=30, help="of each of the three windows")
    add("--device", default="cuda")
    add("--set", action="append", default=[], metavar="FIELD=JSON", help="any field of the config")
    add("--longest", type=float, metavar="HOURS", help="train so long instead of measuring")
    add("--run-dir", type=Path, help="of --longest; default: a temporary folder")
    options = parser.parse_args(arguments)
    if unknown := sorted({*options.sections} - {*names}):
        parser.error(f"section {unknown[0]!r} is unknown; one of: {', '.join(names)}")
    return options


def shared_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return what every row's config has in common."""
    fields = {name: json.loads(value) for name, _, value in (s.partition("=") for s in options.set)}
    return {
        "batch_size": options.batch_size,
        "max_seq_len": options.max_seq_len,
        "num_workers": options.num_workers,
        "device": options.device,
        "local_checkpoints": True,
    } | fields


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections named on the command line, or train for as long as asked."""
    options = parse(arguments)
    if options.device != "cpu" and not torch.cuda.is_available():
        print("No GPU here: nothing was measured (scripts/bench_gpu.py).")
        return 0
    shared, rows_of = shared_fields(options), sections(options.variants)
    print(device_line(resolve_runtime(parse_config(shared | {"variant": "toy"}))), flush=True)
    if options.longest is not None:
        config = shared | {"variant": main_variant(options.variants)}
        train_longest(options.longest, config, options.run_dir or Path(tempfile.mkdtemp()))
        return 0
    for section in options.sections or [*rows_of, REINFORCEMENT]:
        if section == REINFORCEMENT:
            reinforcement(options.device)
            continue
        print(f"\n**{section}**, {options.batch_size} games a step\n")
        configs = {name: shared | fields for name, fields in rows_of[section].items()}
        for line in table(configs, options.steps):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
