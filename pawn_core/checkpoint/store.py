"""Save and load checkpoint directories.

A save is invisible until it is whole: written under a hidden name, every file and directory
fsynced, hashed into `.complete`, renamed, parent fsynced. A load verifies every hash first.
"""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from pawn_core import run_paths
from pawn_core.checkpoint import manifest
from pawn_core.durable import exchange, make_directory, sync_file, write_file
from pawn_core.text_path import text_path

_PARTIAL_PREFIX = ".partial-"  # hidden, and no `step_*` glob can match it


@dataclass(frozen=True)
class Checkpoint:
    """Everything that a run needs to go on: tensors by name, and JSON documents."""

    step: int
    tensors: dict[str, dict[str, Tensor]]
    """By file name; a run type's own files, such as a model and its optimizer."""
    training_state: dict[str, Any]
    config: dict[str, Any]
    members: dict[str, "Checkpoint"] = field(default_factory=dict)
    """A run of several models: each one's own checkpoint; the outer one has no tensors."""
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By file name; a run type's own files of JSON, such as an adapter's backbone."""

    @property
    def model(self) -> dict[str, Tensor]:
        """The weights of a model in training."""
        return self.tensors.get(run_paths.MODEL, {})

    @property
    def optimizer(self) -> dict[str, Tensor]:
        """The state of its optimizer."""
        return self.tensors.get(run_paths.OPTIMIZER, {})


def save(checkpoints_dir: Path, checkpoint: Checkpoint) -> Path:
    """Write `step_NNNNNNNN` into the directory and return its path; durable when this returns.

    A checkpoint of the same step (a repeated stretch) is there until this one takes its place.

    Raises:
        OSError: the disk refused; what was saved before can still be loaded.
    """
    make_directory(checkpoints_dir)
    name = manifest.checkpoint_name(checkpoint.step)
    partial = checkpoints_dir / f"{_PARTIAL_PREFIX}{name}-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write_partial(partial, checkpoint)
        _publish(partial, checkpoints_dir / name)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_file(checkpoints_dir)
    shutil.rmtree(partial, ignore_errors=True)  # by now what had this step before
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
        tensors={name: _load_tensors(path / name) for name in verified.tensor_files},
        training_state=manifest.read_document(path / run_paths.STATE),
        config=manifest.read_document(path / run_paths.CONFIG),
        members=members,
        documents={name: manifest.read_document(path / name) for name in verified.document_files},
    )


def _load_tensors(path: Path) -> dict[str, Tensor]:
    with text_path(path) as readable:
        return load_file(readable)


def _write_partial(partial: Path, checkpoint: Checkpoint) -> None:
    partial.mkdir()
    for name, member in checkpoint.members.items():
        _write_partial(partial / name, member)
    hashes = _write_all_tensors(partial, checkpoint.tensors)
    documents = {run_paths.STATE: checkpoint.training_state, run_paths.CONFIG: checkpoint.config}
    for name, document in (documents | checkpoint.documents).items():
        write_file(partial / name, json.dumps(document, allow_nan=False).encode())
    manifest.seal(partial, checkpoint.step, hashes)
    sync_file(partial)


def _write_all_tensors(folder: Path, files: dict[str, dict[str, Tensor]]) -> dict[str, str]:
    """Write files of tensors and return their SHA-256, taken while the disk is at work."""
    hashes = {}
    with ThreadPoolExecutor() as threads:
        for name, tensors in files.items():
            _write_tensors(folder / name, tensors)
            hashes[name] = threads.submit(manifest.file_sha256, folder / name)
        for name in files:
            sync_file(folder / name)
    return {name: sha256.result() for name, sha256 in hashes.items()}


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    try:
        with text_path(path) as writable:
            save_file({n: tensor.detach().contiguous() for n, tensor in tensors.items()}, writable)
    except SafetensorError as error:
        raise OSError(f"{path} cannot be written: {error}") from error


def _publish(partial: Path, target: Path) -> None:
    if target.exists():
        exchange(partial, target)
    else:
        partial.rename(target)
