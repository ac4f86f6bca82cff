"""Publish a run: its best checkpoint in the published format, with a model card."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.errors import CheckpointError, IncompleteCheckpointError
from pawn_core.checkpoint.manifest import (
    checkpoint_name,
    checkpoint_step,
    latest_verified,
    read_document,
    verify,
)
from pawn_core.config import AdapterConfig, PretrainConfig, parse_config
from pawn_core.durable import write_file
from pawn_core.metrics import read_records
from pawn_core.run_paths import BACKBONE, CONFIG, METRICS, OPTIMIZER, STATE, RunPaths
from pawn_core.weights.adapter_card import adapter_card
from pawn_core.weights.card import imported_card, model_card
from pawn_core.weights.places import local_places, without_places
from pawn_core.weights.publish import new_folder, write_json
from pawn_core.weights.spec import ModelSpec, as_trained, check_moves, published_form

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

    `output_dir` holds `model.safetensors` (of an adapter `adapter_model.safetensors` and what says
    of which backbone it is), `config.json`, the whole `metrics.jsonl`, `README.md` and
    `.complete`; it appears in one step. Of places on this machine only the last part is told; a
    backbone that is on no hub is looked for in the folder `backbone` beside the adapter.

    Raises:
        IncompleteCheckpointError: no evaluation of the run has a whole checkpoint.
        IncompatibleWeightsError: the run's models are of text.
        FileExistsError: `output_dir` exists.
    """
    if (config_file := RunPaths(run_dir).config).is_file():
        check_moves(run_dir, read_document(config_file))
    best = find_best(run_dir)
    documents = _documents(best.checkpoint)
    records, _ = read_records(RunPaths(run_dir).metrics)
    places = local_places([*documents.values(), *records])
    documents = {file: without_places(document, places) for file, document in documents.items()}
    config, card = _described(documents, best, name, license_name)
    lines = [json.dumps(without_places(record, places)) + "\n" for record in records]
    with new_folder(output_dir) as folder:
        for file in _weights(best.checkpoint):
            shutil.copyfile(file, folder / file.name)
        for file, document in (documents | {CONFIG: config}).items():
            write_json(folder / file, document)
        write_file(folder / METRICS, "".join(lines).encode())
        write_file(folder / CARD, card.encode())
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


def _weights(checkpoint: Path) -> list[Path]:
    """Return the files of weights: not what only training needs."""
    return [file for file in checkpoint.glob("*.safetensors") if file.name != OPTIMIZER]


def _imported(run_dir: Path) -> Best | None:
    newest = latest_verified(RunPaths(run_dir).checkpoints)
    if newest is None or not _is_import(read_document(newest / CONFIG)):
        return None
    return Best(newest, checkpoint_step(newest) or 0, {})


def _is_import(config: dict[str, Any]) -> bool:
    return config.get("run_type") == "import"


def _documents(checkpoint: Path) -> dict[str, dict[str, Any]]:
    """Return the documents that are published; a backbone has moved beside its adapter."""
    names = [file.name for file in checkpoint.glob("*.json") if file.name != STATE]
    documents = {name: read_document(checkpoint / name) for name in sorted(names)}
    documents[CONFIG] = as_trained(documents[CONFIG], checkpoint)
    if BACKBONE in documents:
        path = Path("backbone", Path(documents[BACKBONE]["path"]).name)
        documents[BACKBONE] |= {"path": str(path)}
    return documents


def _described(
    documents: dict[str, dict[str, Any]], best: Best, name: str, license_name: str
) -> tuple[dict[str, Any], str]:
    """Return `config.json` in the published form, and the model card."""
    document = documents[CONFIG]
    if _is_import(document):
        return document, imported_card(name, license_name, document)
    config = parse_config(document)
    if isinstance(config, AdapterConfig):
        backbone = documents.get(BACKBONE)
        return document, adapter_card(name, license_name, config, best.metrics, backbone)
    assert isinstance(config, PretrainConfig)
    return published_config(config), model_card(name, license_name, config, best.metrics)
