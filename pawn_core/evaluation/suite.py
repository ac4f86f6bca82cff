"""Evaluations of many runs: which are to be made, and which have been. Never imports torch."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.manifest import file_sha256, latest_verified
from pawn_core.config import ConfigError, EvalConfig, parse_config, run_type_named
from pawn_core.config.run import SINGLE
from pawn_core.run_paths import WEIGHTS, RunPaths
from pawn_core.untrusted import UntrustedFileError, parse_json, read_file
from pawn_core.uploads.backlog import notable

FINISHED = ("completed", "patience")
"""Reasons for which a run ends that is not to go on."""


@dataclass(frozen=True)
class Job:
    """An evaluation to be made in a folder of its own, or one that has been."""

    name: str
    model: str
    """The name of one of a run's several models; of a single one, ''."""
    config: EvalConfig
    run_dir: Path

    @property
    def results(self) -> dict[str, Any] | None:
        """What it has found, if that is whole."""
        document = _document(RunPaths(self.run_dir).results)
        return document if document is not None and document.get("complete") else None

    @property
    def resumed_from(self) -> Path | None:
        """The checkpoint to go on from, if it was stopped."""
        return latest_verified(RunPaths(self.run_dir).checkpoints)


def job(weights: str, name: str, output: Path, fields: dict[str, Any], model: str = SINGLE) -> Job:
    """Return the evaluation of some weights; its folder is called after all that it measures.

    Other weights, be it in the same place, have another one.

    Raises:
        ConfigError: the fields are refused.
    """
    config = parse_config({"run_type": "eval", "weights": weights} | fields)
    assert isinstance(config, EvalConfig)
    measured = {n: v for n, v in config.settings().items() if n not in config.incidental}
    files = [path for name in sorted(WEIGHTS) if (path := Path(weights) / name).is_file()]
    what = [measured, file_sha256(files[0]) if files else None]
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    return Job(name, model, config, output / f"{_file_name(name)}-{digest[:8]}")


def jobs_of(log_dir: Path, which: str, output: Path, fields: dict[str, Any]) -> Iterator[Job]:
    """Yield the evaluation of each model of each finished run below a folder that it is for.

    Args:
        which: `best`, by the metric of merit of the run, or `latest`.

    Raises:
        ConfigError: there is no such folder, or no finished run with a checkpoint of such a model.
    """
    if not log_dir.is_dir():
        raise ConfigError(f"log-dir {log_dir} is no folder")
    folders = [path.parent for path in sorted(log_dir.rglob("config.json")) if _is_run(path.parent)]
    jobs = [job for run in folders for job in _jobs_of_run(run, log_dir, which, output, fields)]
    if not jobs:
        raise ConfigError(
            f"log-dir {log_dir} has no finished run with a checkpoint that the evaluations take"
        )
    yield from jobs


def _is_run(folder: Path) -> bool:
    """Tell whether a folder is that of a finished run which makes weights."""
    config, outcome = (_document(path) for path in (folder / "config.json", _outcome(folder)))
    if config is None or outcome is None or outcome.get("reason") not in FINISHED:
        return False
    try:
        kind = run_type_named(config.get("run_type")).config.kind_of(config)
    except ConfigError:
        return False
    return kind.makes_weights()


def _outcome(folder: Path) -> Path:
    return RunPaths(folder).outcome


def _jobs_of_run(
    run: Path, log_dir: Path, which: str, output: Path, fields: dict[str, Any]
) -> Iterator[Job]:
    config = _document(RunPaths(run).config) or {}
    chosen, kind = notable(run), run_type_named(config["run_type"]).config
    for model in kind.model_names(config):
        checkpoint = chosen.best.get(model) if which == "best" else chosen.newest
        if checkpoint is not None:
            weights = checkpoint / model if model != SINGLE else checkpoint
            parts = [str(run.relative_to(log_dir)), checkpoint.name, *filter(None, [model])]
            made = job(str(weights), "-".join(parts), output, fields, model)
            if kind.speaks in made.config.takes("weights"):
                yield made


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:100]


def _document(path: Path) -> dict[str, Any] | None:
    try:
        document = parse_json(read_file(path))
    except (UntrustedFileError, OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
