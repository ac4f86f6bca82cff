"""Save and load checkpoint directories.

A save is invisible until it is whole: written under a hidden name, every file and directory
fsynced, hashed into `.complete`, renamed, parent fsynced. A load verifies every hash first.
"""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from pawn_core.checkpoint import manifest
from pawn_core.checkpoint.errors import CheckpointIntegrityError
from pawn_core.durable import sync_file, write_file

_PARTIAL_PREFIX = ".partial-"  # hidden, and no `step_*` glob can match it


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on: tensors by name, and JSON documents."""

    step: int
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    training_state: dict[str, Any]
    config: dict[str, Any]
    members: dict[str, "Checkpoint"] = field(default_factory=dict)
    """A run of several models: each one's own checkpoint; the outer one has no tensors."""


def save(checkpoints_dir: Path, checkpoint: Checkpoint) -> Path:
    """Write `step_NNNNNNNN` into the directory and return its path; durable when this returns.

    Raises:
        OSError: the disk refused; no `step_*` directory has changed.
    """
    _make_durable_directory(checkpoints_dir)
    name = manifest.checkpoint_name(checkpoint.step)
    partial = checkpoints_dir / f"{_PARTIAL_PREFIX}{name}-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write_partial(partial, checkpoint)
        _publish(partial, checkpoints_dir / name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return checkpoints_dir / name


def load(path: Path) -> Checkpoint:
    """Verify a checkpoint directory and read it onto the CPU.

    Raises:
        IncompleteCheckpointError, CheckpointIntegrityError: see `manifest.verify`.
    """
    return _read(path, manifest.verify(path))


def remove_partials(checkpoints_dir: Path) -> None:
    """Remove what saves that never finished left behind; only while no other process saves here."""
    for leftover in checkpoints_dir.glob(f"{_PARTIAL_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _read(path: Path, verified: manifest.Manifest) -> Checkpoint:
    members = {name: _read(path / name, inner) for name, inner in verified.members.items()}
    return Checkpoint(
        step=verified.step,
        model={} if members else load_file(path / manifest.MODEL),
        optimizer={} if members else load_file(path / manifest.OPTIMIZER),
        training_state=_read_json(path / manifest.STATE),
        config=_read_json(path / manifest.CONFIG),
        members=members,
    )


def _write_partial(partial: Path, checkpoint: Checkpoint) -> None:
    partial.mkdir()
    for name, member in checkpoint.members.items():
        _write_partial(partial / name, member)
    if not checkpoint.members:
        _write_tensors(partial / manifest.MODEL, checkpoint.model)
        _write_tensors(partial / manifest.OPTIMIZER, checkpoint.optimizer)
    documents = {manifest.STATE: checkpoint.training_state, manifest.CONFIG: checkpoint.config}
    for name, document in documents.items():
        write_file(partial / name, json.dumps(document, allow_nan=False).encode())
    manifest.seal(partial, checkpoint.step)
    sync_file(partial)


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)
    sync_file(path)


def _publish(partial: Path, target: Path) -> None:
    """Rename into place; a checkpoint of the same step (a repeated stretch) makes way."""
    replaced = None
    if target.exists():
        replaced = target.with_name(f"{_PARTIAL_PREFIX}replaced-{target.name}-{os.getpid()}")
        target.rename(replaced)
    partial.rename(target)
    sync_file(target.parent)
    if replaced is not None:
        shutil.rmtree(replaced, ignore_errors=True)


def _make_durable_directory(path: Path) -> None:
    if not path.is_dir():
        path.mkdir(parents=True)
        sync_file(path.parent)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CheckpointIntegrityError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise CheckpointIntegrityError(f"{path} is not a JSON object")
    return document
