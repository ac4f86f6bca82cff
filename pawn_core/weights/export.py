"""Publish a run: its best checkpoint in the published format, with a model card."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.errors import CheckpointError, IncompleteCheckpointError
from pawn_core.checkpoint.manifest import (
    checkpoint_name,
    checkpoint_step,
    file_sha256,
    latest_verified,
    read_document,
    verify,
)
from pawn_core.config import PretrainConfig, parse_config
from pawn_core.durable import sync_file, write_file
from pawn_core.metrics import read_records
from pawn_core.run_paths import CONFIG, METRICS, MODEL, SENTINEL, RunPaths
from pawn_core.weights.card import imported_card, model_card
from pawn_core.weights.spec import FORMAT_VERSION, ModelSpec, published_form

CARD = "README.md"


@dataclass(frozen=True)
class Best:
    """The best evaluation whose weights are still there, or the weights that were imported."""

    checkpoint: Path
    step: int
    metrics: dict[str, Any]
    """The eval record; empty where nothing was measured."""


def export_run(run_dir: Path, output_dir: Path, name: str, license_name: str) -> Best:
    """Write a run's best checkpoint by validation loss as a repository's files.

    `output_dir` holds `model.safetensors`, `config.json` in the published form, the whole
    `metrics.jsonl`, `README.md` and `.complete`; it appears in one step.

    Raises:
        IncompleteCheckpointError: no evaluation of the run has a whole checkpoint.
        FileExistsError: `output_dir` exists.
    """
    if output_dir.exists():
        raise FileExistsError(f"{output_dir} exists; name a folder that does not")
    best = find_best(run_dir)
    config, card = _described(best, name, license_name)
    partial = output_dir.with_name(f".partial-{output_dir.name}-{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        shutil.copyfile(best.checkpoint / MODEL, partial / MODEL)
        shutil.copyfile(RunPaths(run_dir).metrics, partial / METRICS)
        _write_json(partial / CONFIG, config)
        write_file(partial / CARD, card.encode())
        _seal(partial)
        partial.rename(output_dir)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_file(output_dir.parent)
    return best


def find_best(run_dir: Path) -> Best:
    """Return the evaluation of lowest `val_loss` among those whose checkpoint verifies.

    Of a run that imported weights it is these.

    Raises:
        IncompleteCheckpointError: there is none.
    """
    records, _ = read_records(RunPaths(run_dir).metrics)
    evaluations = [r for r in records if r["type"] == "eval" and r.get("val_loss") is not None]
    if not evaluations and (imported := _imported(run_dir)) is not None:
        return imported
    for record in sorted(evaluations, key=lambda r: r["val_loss"]):
        checkpoint = RunPaths(run_dir).checkpoints / checkpoint_name(record["step"])
        try:
            verify(checkpoint)
        except CheckpointError:
            continue
        return Best(checkpoint, record["step"], record)
    raise IncompleteCheckpointError(
        f"{run_dir} has no whole checkpoint at any of its {len(evaluations)} evaluations"
    )


def published_config(config: PretrainConfig) -> dict[str, Any]:
    """Return `config.json` in the published form; `training_config` is the resolved run config."""
    assert config.max_seq_len is not None
    assert config.prepend_outcome is not None
    spec = ModelSpec(
        config.architecture, config.vocabulary, config.max_seq_len, config.prepend_outcome
    )
    return published_form("pretrain", spec, config.model_dump(mode="json"))


def _imported(run_dir: Path) -> Best | None:
    newest = latest_verified(RunPaths(run_dir).checkpoints)
    if newest is None or not _is_import(read_document(newest / CONFIG)):
        return None
    return Best(newest, checkpoint_step(newest) or 0, {})


def _is_import(config: dict[str, Any]) -> bool:
    return config.get("run_type") == "import"


def _described(best: Best, name: str, license_name: str) -> tuple[dict[str, Any], str]:
    """Return `config.json` in the published form, and the model card."""
    document = read_document(best.checkpoint / CONFIG)
    if _is_import(document):
        return document, imported_card(name, license_name, document)
    config = parse_config(document)
    assert isinstance(config, PretrainConfig)
    return published_config(config), model_card(name, license_name, config, best.metrics)


def _seal(folder: Path) -> None:
    """Write `.complete` in the published form and force everything to the disk."""
    files = sorted(folder.iterdir())
    hashes = {path.name: file_sha256(path) for path in files}
    _write_json(folder / SENTINEL, {"format_version": FORMAT_VERSION, "files": hashes})
    for path in (*files, folder):
        sync_file(path)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    write_file(path, json.dumps(document, indent=2, allow_nan=False).encode() + b"\n")
