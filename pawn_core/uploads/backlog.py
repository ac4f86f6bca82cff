"""Which checkpoints of a run matter: its newest, and the best of each model.

Never imports torch or the hub's client: the lab reads it.
"""

from pathlib import Path
from typing import NamedTuple

from pawn_core import metrics
from pawn_core.checkpoint.manifest import finished
from pawn_core.config import TrainingConfig, run_type_named
from pawn_core.config.facts import Merit
from pawn_core.config.run import SINGLE
from pawn_core.run_paths import RunPaths
from pawn_core.untrusted import parse_json, read_file
from pawn_core.uploads.record import UploadRecord


class Notable(NamedTuple):
    """The checkpoints of a run that are worth uploading."""

    newest: Path | None
    best: dict[str, Path]
    """By model, the best by the run type's merit, of one without the newest; a run of one model has
    one, named ''."""

    @property
    def in_order(self) -> list[Path]:
        """The newest first: a machine that dies now loses the fewest steps."""
        newest = [self.newest] if self.newest else []
        return list(dict.fromkeys([*newest, *self.best.values()]))


def notable(run_dir: Path, up_to: int | None = None, model: str = "") -> Notable:
    """Return what matters among the checkpoints up to a step; None: among all.

    Of a run of several models, `model` alone counts where it is named.
    """
    whole = finished(RunPaths(run_dir).checkpoints)
    saved = {step: path for step, path in whole.items() if up_to is None or step <= up_to}
    newest = saved[max(saved)] if saved else None
    best = _best(run_dir, saved)
    return Notable(newest, {name: path for name, path in best.items() if model in ("", name)})


def missing(run_dir: Path, record: UploadRecord, up_to: int | None = None) -> list[Path]:
    """Return those that have not arrived, the most urgent first."""
    checkpoints = notable(run_dir, up_to, record.model).in_order
    return [path for path in checkpoints if not record.holds(path)]


def _best(run_dir: Path, saved: dict[int, Path]) -> dict[str, Path]:
    merit = _merit(run_dir)
    if saved and not merit.exists:
        return {SINGLE: saved[max(saved)]}
    records, _ = metrics.read_records(RunPaths(run_dir).metrics)
    by_model: dict[str, dict[int, float]] = {}
    for record in filter(None, map(metrics.measurement, records)):
        step, value, model = record["step"], record.get(merit.metric), record.get("variant", "")
        if record["type"] == metrics.EVAL and step in saved and value is not None:
            by_model.setdefault(model, {})[step] = value
    return {model: saved[merit.best_first(of)[0]] for model, of in by_model.items()}


def _merit(run_dir: Path) -> Merit:
    """Return by what a run's evaluations are ranked, as its config has it."""
    try:
        config = parse_json(read_file(RunPaths(run_dir).config))
        return run_type_named(config["run_type"]).config.merit
    except (OSError, ValueError, TypeError, KeyError):
        return TrainingConfig.merit
