"""Why a trial failed, in one reply: its class, the evidence, and what to call next."""

import json
import re
import signal
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pawn_core.checkpoint.manifest import list_checkpoints
from pawn_core.metrics import EVAL, TRAIN
from pawn_core.preflight.report import MENDS, CheckName, read_report
from pawn_lab.configs import differing
from pawn_lab.documents import read_text
from pawn_lab.records import Exit, PostMortem
from pawn_lab.store.rows import TrialRow
from pawn_lab.text import clean_line, shorten
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import streams
from pawn_lab.trials.variants import SINGLE, records_of

_TAIL_BYTES = 1 << 16
_MOST_TRACEBACK_LINES = 16
_MOST_CHARACTERS = 1500
_MOST_DIFFERENCES = 8
_TOLD = ("loss", "grad_norm", "lr")
"""Numbers of train records that say how training went."""
_TRACEBACK = "Traceback (most recent call last):"

_BY_REASON = {
    "non_finite": "non-finite",
    "diverged": "divergence",
    "no_progress": "stall",
    "wall_clock": "wall clock",
    "signal": "signal",
    "lost": "lost",
}
_PREFLIGHT = "preflight"
_NO_MEMORY = "out of memory"
_KILLED = "SIGKILL, which the lab did not send: as of a system or container out of memory"
_AS_CHECKED: Mapping[str, str] = MappingProxyType(
    {"memory": "out of memory", "loss": "non-finite", "disk": "disk full", "steps": "error"}
)
"""What is called otherwise where it happens later on."""
_BY_LOG = {
    "out of memory": r"out of memory|OutOfMemoryError|MemoryError|can't allocate memory",
    "disk full": r"No space left on device|Disk quota exceeded",
    "import": r"^(ModuleNotFoundError|ImportError)",
    "hub": r"^pawn-train: hf_(repo|bucket) ",
    "config": r"ConfigError|run_type|is not a field of|^pawn-train: ",
}
"""What the last lines of the log say, in the order in which it is believed."""


_MEMORY = {
    "tried": r"[Tt]ried to allocate ([\d.]+ \w+)",
    "whole": r"total capacity of ([\d.]+ \w+)",
    "free": r"of which ([\d.]+ \w+) is free",
    "own": r"this process has ([\d.]+ \w+) memory in use",
    "unused": r"([\d.]+ \w+) is reserved by PyTorch but unallocated",
}
"""What torch's error says of a GPU's memory (c10/cuda/CUDACachingAllocator.cpp)."""
_OF_OTHERS = r"(?<=[.] )Process (\d+) has ([\d.]+ \w+) memory in use"


def post_mortem(
    trial: TrialRow, ending: Exit, paths: TrialPaths, good: Iterable[TrialRow]
) -> PostMortem:
    """Explain a trial that failed or was lost; `good` are trials that ended well."""
    tail = _tail(paths)
    check = _failed_check(ending, paths)
    kind = _kind(ending, tail) if check is None else f"{_PREFLIGHT}: {check}"
    cause = kind if check is None else _AS_CHECKED.get(check, check)
    saved = bool(list_checkpoints(paths.checkpoints))
    return PostMortem(
        kind=kind,
        why=_why(cause, ending, tail),
        first_bad_step=_first_bad_step(streams.recent_records(paths), ending),
        last_healthy=_last_healthy(trial, paths),
        traceback=_traceback(tail),
        **_nearest(trial, good),
        next_call=_next_call(trial, cause, saved),
    )


def _kind(ending: Exit, tail: list[str]) -> str:
    if ending.reason in _BY_REASON:
        return _BY_REASON[ending.reason]
    last = _end_of(tail)
    for kind, pattern in _BY_LOG.items():
        if re.search(pattern, last, re.MULTILINE):
            return kind
    return "signal" if ending.signal is not None else "error"


def _failed_check(ending: Exit, paths: TrialPaths) -> CheckName | None:
    """Return what a trial has failed at that was tried before its first step."""
    report = read_report(paths.preflight, paths.outer) if ending.reason == _PREFLIGHT else None
    return report.failed.name if report and report.failed else None


def _why(cause: str, ending: Exit, tail: list[str]) -> str | None:
    """Return what is known of memory where it, or a SIGKILL, has ended the trial."""
    if cause == _NO_MEMORY:
        return _memory(_end_of(tail))
    killed = cause == "signal" and ending.signal == signal.SIGKILL
    return _KILLED if killed else None


def _memory(text: str) -> str | None:
    """Return who held how much of a GPU's memory, as the error has it; None where it does not."""
    found = {name: match[1] for name, p in _MEMORY.items() if (match := re.search(p, text))}
    if "whole" not in found or "own" not in found:
        return None
    others = [f"process {pid} {size}" for pid, size in re.findall(_OF_OTHERS, text)]
    facts = [
        f"{found['tried']} more were asked for" if "tried" in found else None,
        f"{found['free']} of {found['whole']} were free" if "free" in found else None,
        f"the trial held {found['own']}",
        f"of that {found['unused']} cached and unused" if "unused" in found else None,
        f"others held: {', '.join(others)}" if others else None,
    ]
    return "; ".join(fact for fact in facts if fact)


def _tail(paths: TrialPaths) -> list[str]:
    """Return the last lines of the trainer's log without control codes."""
    return [clean_line(line) for line in read_text(paths.log, _TAIL_BYTES).split("\n")]


def _end_of(tail: list[str]) -> str:
    return "\n".join(tail[-_MOST_TRACEBACK_LINES:])


def _traceback(tail: list[str]) -> str | None:
    """Return the end of the last traceback."""
    starts = [n for n, line in enumerate(tail) if line.strip() == _TRACEBACK]
    if not starts:
        return None
    lines = [line for line in tail[starts[-1] + 1 :] if line.strip()]
    return shorten("\n".join(lines[-_MOST_TRACEBACK_LINES:]), _MOST_CHARACTERS)


def _first_bad_step(records: list[dict[str, Any]], ending: Exit) -> int | None:
    if ending.evidence and "step" in ending.evidence:
        return int(ending.evidence["step"])
    steps = (record.get("non_finite_step") for record in records if record["type"] == "event")
    return next((step for step in steps if isinstance(step, int)), None)


def _last_healthy(trial: TrialRow, paths: TrialPaths) -> dict[str, float] | None:
    """Return the last numbers of training whose loss is finite, and the last metric of merit.

    Of several variants, those of the one that wrote last.
    """
    kind, numbers = trial.config.kind, dict[str, float]()
    records = streams.records(paths, kind.merit)
    variant = next((r["variant"] for r in reversed(records) if r.get("variant")), SINGLE)
    records = records_of(records, variant)
    for of_type, needed in ((EVAL, kind.merit.metric), (TRAIN, "loss")):
        sound = [r for r in records if r["type"] == of_type and _is_number(r.get(needed))]
        for record in sound[-1:]:
            numbers[kind.progress.unit] = record["step"]
            names = dict.fromkeys((*kind.shown_live, *_TOLD, kind.merit.metric))
            numbers |= {n: record[n] for n in names if _is_number(record.get(n))}
    return numbers or None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nearest(trial: TrialRow, good: Iterable[TrialRow]) -> dict[str, Any]:
    """Return the trial that ended well with the fewest other settings, and those settings."""
    ours = trial.config
    same = [row for row in good if row.config.get("run_type") == ours.get("run_type")]
    if not same:
        return {}
    differences, nearest = min(
        ((differing(row.config.settings(), ours.settings()), row.id) for row in same),
        key=lambda near: (len(near[0]), -near[1]),
    )
    return {
        "nearest_good": nearest,
        "differs": dict(list(differences.items())[:_MOST_DIFFERENCES]) or None,
    }


def _smaller_passes(trial: TrialRow) -> dict[str, Any]:
    """Return settings under which the same steps hold less at once; none where there are none.

    More micro-batches as long as their number divides the batch among the GPUs; then each layer is
    computed twice.
    """
    config = trial.config
    if "accumulation_steps" not in config:
        return {}
    parts = config.get("accumulation_steps") or 1
    games = (config.get("batch_size") or 2 * parts) // (config.get("gpus") or 1)
    more = next((n for n in range(2 * parts, games + 1, parts) if games % n == 0), None)
    if more is not None:
        return {"accumulation_steps": more}
    return {} if config.get("gradient_checkpointing", True) else {"gradient_checkpointing": True}


def _next_call(trial: TrialRow, kind: str, saved: bool) -> str:
    """Return the call that most likely helps."""
    number, lr = trial.id, trial.config.get("lr")
    again = f"lab_resume(trial_id={number}" if saved else "lab_launch(config=the same"
    match kind:
        case "non-finite" | "divergence" if isinstance(lr, int | float):
            lower = f'{{"lr": {lr / 3:.3g}}}'
            return f"{again}, overrides={lower})" if saved else f"{again} with {lower})"
        case "out of memory" if smaller := _smaller_passes(trial):
            more = json.dumps(smaller)
            return f"{again}, overrides={more})" if saved else f"{again} with {more})"
        case "lost" | "signal" | "wall clock":
            return f"{again})"
        case "hub":
            return f"`hf auth login` on this machine, then {again})"
        case "disk full":
            return f"free space, then {again})"
        case _ if kind in MENDS:
            return f"{MENDS[kind]}, then {again})"
        case _:
            return f"lab_log(trial_id={number})"
