"""Why a trial failed, in one reply: its class, the evidence, and what to call next."""

import re
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


def post_mortem(
    trial: TrialRow, ending: Exit, paths: TrialPaths, good: Iterable[TrialRow]
) -> PostMortem:
    """Explain a trial that failed or was lost; `good` are trials that ended well."""
    tail = _tail(paths)
    check = _failed_check(ending, paths)
    kind = _kind(ending, tail) if check is None else f"{_PREFLIGHT}: {check}"
    saved = bool(list_checkpoints(paths.checkpoints))
    return PostMortem(
        kind=kind,
        first_bad_step=_first_bad_step(streams.recent_records(paths), ending),
        last_healthy=_last_healthy(trial, paths),
        traceback=_traceback(tail),
        **_nearest(trial, good),
        next_call=_next_call(
            trial, kind if check is None else _AS_CHECKED.get(check, check), saved
        ),
    )


def _kind(ending: Exit, tail: list[str]) -> str:
    if ending.reason in _BY_REASON:
        return _BY_REASON[ending.reason]
    last = "\n".join(tail[-_MOST_TRACEBACK_LINES:])
    for kind, pattern in _BY_LOG.items():
        if re.search(pattern, last, re.MULTILINE):
            return kind
    return "signal" if ending.signal is not None else "error"


def _failed_check(ending: Exit, paths: TrialPaths) -> CheckName | None:
    """Return what a trial has failed at that was tried before its first step."""
    report = read_report(paths.preflight, paths.outer) if ending.reason == _PREFLIGHT else None
    return report.failed.name if report and report.failed else None


def _tail(paths: TrialPaths) -> list[str]:
    """Return the last lines of the trainer's log without control codes."""
    return [clean_line(line) for line in read_text(paths.log, _TAIL_BYTES).split("\n")]


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


def _next_call(trial: TrialRow, kind: str, saved: bool) -> str:
    """Return the call that most likely helps."""
    number, lr = trial.id, trial.config.get("lr")
    again = f"lab_resume(trial_id={number}" if saved else "lab_launch(config=the same"
    match kind:
        case "non-finite" | "divergence" if isinstance(lr, int | float):
            lower = f'{{"lr": {lr / 3:.3g}}}'
            return f"{again}, overrides={lower})" if saved else f"{again} with {lower})"
        case "out of memory" if "accumulation_steps" in trial.config:
            steps = 2 * (trial.config.get("accumulation_steps") or 1)
            more = f'{{"accumulation_steps": {steps}}}'
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
