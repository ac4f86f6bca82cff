"""What trials have shown: their metrics streams, read tolerantly."""

import time
from pathlib import PurePath
from typing import Any

from pawn_core.config import RunConfig
from pawn_lab.configs import StoredConfig
from pawn_lab.records import Evaluation, ModelProgress, Progress, TrialResult
from pawn_lab.reporting import health
from pawn_lab.reporting.metrics import ENVELOPE, shown_live
from pawn_lab.states import ACTIVE, HOLDING
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import streams, variants
from pawn_lab.trials.summaries import Shown

_RATE_RECORDS = 20

Record = dict[str, Any]


def results(row: TrialRow, paths: TrialPaths, cost: float) -> list[TrialResult]:
    """Return each of a trial's models with its ablation, last and best evaluation and step.

    The cost is that of the whole trial.
    """
    shown = streams.shown(paths, row.config.kind.merit)
    return [_result(row, shown, name, cost) for name in row.config.models]


def _result(row: TrialRow, shown: Shown, variant: str, cost: float) -> TrialResult:
    evaluations = variants.records_of(shown.evaluations, variant)
    config = row.config.of_model(variant)
    return TrialResult(
        id=row.id,
        state=row.state,
        tags=row.tags,
        variant=variant,
        config=config,
        ablation=ablation(config),
        parent=row.parent,
        from_step=row.from_step,
        step=shown.last_step(variant) or row.from_step,
        last=_evaluation(evaluations[-1]) if evaluations else None,
        best=_evaluation(min(evaluations, key=shown.merit.rank)) if evaluations else None,
        cost=cost,
    )


def progress(row: TrialRow, paths: TrialPaths) -> Progress:
    """Return how far a trial is, from the end of its metrics stream."""
    records = streams.recent_records(paths)
    kind, target = row.config.kind, row.config.target
    step, rate = _last_step(records) or row.from_step, _pace(records, kind.paced_by)
    models = {name: _model(kind, variants.records_of(records, name)) for name in row.config.models}
    train = _latest(records, "train")
    return Progress(
        trial_id=row.id,
        state=row.state,
        unit=kind.progress.unit,
        step=step,
        target_step=target,
        models=models,
        steps_per_s=rate,
        eta_s=max(0, target - (step or 0)) / rate if rate and row.state in ACTIVE else None,
        data_wait=health.data_wait(train),
        device_memory=device_memory(train),
        health=_health(row, paths, records) if row.state in HOLDING else None,
    )


def _model(kind: type[RunConfig], records: list[Record]) -> ModelProgress:
    train = _latest(records, "train")
    return ModelProgress(
        train=train,
        evaluation=_latest(records, "eval"),
        live=shown_live(kind, train or {}),
    )


def device_memory(train: Record | None) -> int | None:
    """Return the most bytes held on a GPU, as a train record has it."""
    most = (train or {}).get("device_memory_bytes")
    return None if most is None else int(most)


def _health(row: TrialRow, paths: TrialPaths, records: list[Record]) -> str:
    now = time.time()
    phase = health.phase_of(paths, row.started_at, now)
    return health.health(records, now, phase, row.config.kind)


def ablation(config: StoredConfig) -> dict[str, Any]:
    """Return the fields marked as ablations that make the run another than by default.

    A field that the config lacks did not exist when the trial was launched; one that only the
    config has, or its run type, sets the trial apart.
    """
    kind, chosen = config.known_kind, config.settings()
    if kind is None:
        return {"run_type": config["run_type"]}
    defaults = kind.defaults()
    marked = {
        name: _placed(chosen[name]) if name in kind.path_fields else chosen[name]
        for name in kind.fields_marked("ablation")
        if name in chosen and (name not in defaults or chosen[name] != defaults[name])
    }
    return marked | config.unknown_fields


def _placed(path: Any) -> Any:
    """Return the end of a path, which tells it from others well enough."""
    return str(PurePath(*PurePath(path).parts[-2:])) if isinstance(path, str) else path


def _pace(records: list[Record], paced_by: str) -> float | None:
    """Return the progress a second over the latest records that tell; None where two do not."""
    timed = [r for r in records if r["type"] == paced_by and r.get("time") is not None]
    recent = timed[-_RATE_RECORDS:]
    if len(recent) < 2:
        return None
    seconds = recent[-1]["time"] - recent[0]["time"]
    return (recent[-1]["step"] - recent[0]["step"]) / seconds if seconds > 0 else None


def _evaluation(record: Record) -> Evaluation:
    metrics = {
        name: value
        for name, value in record.items()
        if name not in ENVELOPE and (value is None or isinstance(value, int | float))
    }
    return Evaluation(step=record["step"], metrics=metrics)


def _latest(records: list[Record], kind: str) -> Record | None:
    latest = next((record for record in reversed(records) if record["type"] == kind), None)
    return latest and {name: latest[name] for name in latest if name not in ("type", "seq")}


def _last_step(records: list[Record]) -> int | None:
    return next((r["step"] for r in reversed(records) if isinstance(r.get("step"), int)), None)
