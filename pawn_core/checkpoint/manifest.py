"""What a checkpoint directory holds, and the proof that it is whole. Never imports torch.

`.complete` is JSON: `{"format": 1, "step": 5000, "files": {"model.safetensors": "<sha256>", ..}}`,
written last. A run of several models has a whole checkpoint of each in a folder of its name; the
outer `.complete` then lists their `<name>/.complete`, and so stands for every file below.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.errors import CheckpointIntegrityError, IncompleteCheckpointError
from pawn_core.checkpoint.safety import check_tensor_file
from pawn_core.config.registry import RUN_TYPES
from pawn_core.durable import write_file
from pawn_core.run_paths import CONFIG, SENTINEL, STATE, TENSORS
from pawn_core.untrusted import UntrustedFileError, parse_json, parse_object, read_file

_FORMAT = 1
_FILE = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,31}}(?:{re.escape(TENSORS)}|\.json)")
_NAME = re.compile(r"step_(\d{8,})")
_MEMBER = re.compile(rf"([a-z0-9][a-z0-9_-]{{0,31}})/{re.escape(SENTINEL)}")
_MAX_SENTINEL_BYTES = 1 << 20
_LARGE = 1 << 20
"""Bytes that take longer to hash than a thread to start."""


@dataclass(frozen=True)
class Manifest:
    """A verified checkpoint: where it is, its step and the SHA-256 of each of its files."""

    path: Path
    step: int
    files: dict[str, str]
    members: dict[str, "Manifest"] = field(default_factory=dict)
    """The checkpoints inside, by name; none for a run of one model."""

    @property
    def tensor_files(self) -> list[str]:
        """The names of its own files of tensors."""
        return [name for name in self.files if name.endswith(TENSORS)]

    @property
    def document_files(self) -> list[str]:
        """The names of its files of JSON that not every checkpoint has."""
        others = (STATE, CONFIG)
        return [name for name in self.files if name.endswith(".json") and name not in others]


def checkpoint_name(step: int) -> str:
    """Return the directory name of a step's checkpoint, such as `step_00005000`."""
    return f"step_{step:08d}"


def checkpoint_step(path: Path) -> int | None:
    """Return the step that a directory name stands for; None for any other name."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else None


def seal(directory: Path, step: int, hashes: Mapping[str, str] | None = None) -> Manifest:
    """Write `.complete` for a finished directory, with the SHA-256 of those of its files given."""
    known = hashes or {}
    paths = [path / SENTINEL if path.is_dir() else path for path in sorted(directory.iterdir())]
    names = [path.relative_to(directory).as_posix() for path in paths]
    files = {
        name: known.get(name) or file_sha256(path) for name, path in zip(names, paths, strict=True)
    }
    document = {"format": _FORMAT, "step": step, "files": files}
    write_file(directory / SENTINEL, json.dumps(document, indent=1).encode())
    return Manifest(directory, step, files)


def verify(path: Path) -> Manifest:
    """Check a checkpoint directory against its hashes, and its tensor files' headers.

    Raises:
        IncompleteCheckpointError: the directory, `.complete` or a file it lists is missing.
        CheckpointIntegrityError: a file differs from its hash, or `.complete` is not readable.
    """
    path = Path(path)
    manifest = _read_sentinel(path)
    _verify_files(manifest)
    _check_files(manifest)
    return replace(
        manifest, members={name: _verify_member(path / name) for name in _members(manifest)}
    )


def latest_verified(checkpoints_dir: Path) -> Path | None:
    """Return the verified checkpoint of the highest step; None where there is none."""
    for candidate in reversed(list_checkpoints(checkpoints_dir)):
        try:
            return verify(candidate).path
        except (IncompleteCheckpointError, CheckpointIntegrityError):
            continue
    return None


def list_checkpoints(checkpoints_dir: Path) -> list[Path]:
    """Return the `step_*` directories by rising step, verified or not."""
    if not Path(checkpoints_dir).is_dir():
        return []
    steps = {path: checkpoint_step(path) for path in Path(checkpoints_dir).iterdir()}
    return sorted((p for p, step in steps.items() if step is not None), key=lambda p: steps[p] or 0)


def by_step(checkpoints_dir: Path) -> dict[int, Path]:
    """Return the checkpoints by rising step, verified or not: the newest is the last."""
    steps = {path: checkpoint_step(path) for path in list_checkpoints(checkpoints_dir)}
    return {step: path for path, step in steps.items() if step is not None}


def finished(checkpoints_dir: Path) -> dict[int, Path]:
    """Return the checkpoints whose save has finished, by rising step; their hashes unchecked."""
    saved = by_step(checkpoints_dir)
    return {step: path for step, path in saved.items() if (path / SENTINEL).is_file()}


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON object in a checkpoint's file.

    Raises:
        CheckpointIntegrityError: it holds anything else.
    """
    try:
        return parse_object(path.read_bytes(), path)
    except ValueError as error:
        raise CheckpointIntegrityError(str(error)) from None


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_all(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each file; large ones are hashed side by side."""
    if sum(path.stat().st_size > _LARGE for path in paths) < 2:
        return [file_sha256(path) for path in paths]
    with ThreadPoolExecutor() as threads:
        return list(threads.map(file_sha256, paths))


def _read_sentinel(path: Path) -> Manifest:
    if not path.is_dir():
        raise IncompleteCheckpointError(f"{path} is not a checkpoint directory")
    sentinel = path / SENTINEL
    if not sentinel.is_file():
        raise IncompleteCheckpointError(f"{path} has no {SENTINEL}: the save never finished")
    try:
        document = parse_json(read_file(sentinel, most=_MAX_SENTINEL_BYTES))
        manifest = Manifest(path, document["step"], document["files"])
    except (UntrustedFileError, ValueError, KeyError, TypeError) as error:
        raise CheckpointIntegrityError(f"{sentinel} is not readable: {error}") from None
    _check_manifest(manifest, document)
    return manifest


def _check_manifest(manifest: Manifest, document: dict[str, object]) -> None:
    where = manifest.path / SENTINEL
    if document.get("format") != _FORMAT:
        raise CheckpointIntegrityError(f"{where} has format {document.get('format')}, not 1")
    if not isinstance(manifest.files, dict) or not _lists_a_checkpoint(manifest):
        raise CheckpointIntegrityError(
            f"{where} must list {STATE}, {CONFIG} and files of tensors or JSON; "
            f"or {STATE}, {CONFIG} and the {SENTINEL} of each model"
        )
    if type(manifest.step) is not int or manifest.step < 0:
        raise CheckpointIntegrityError(f"{where}: step {manifest.step!r} is not a step number")
    named = checkpoint_step(manifest.path)
    if named is not None and named != manifest.step:
        raise CheckpointIntegrityError(f"{manifest.path} holds step {manifest.step}")


def _lists_a_checkpoint(manifest: Manifest) -> bool:
    names, members = set(manifest.files), _members(manifest)
    inner = {f"{name}/{SENTINEL}" for name in members}
    rest = names - {STATE, CONFIG}
    if names == rest | {STATE, CONFIG}:
        return rest == inner if members else all(map(_FILE.fullmatch, rest))
    return False


def _check_files(manifest: Manifest) -> None:
    """Check that the files of one model are those of its run type, as far as that is known."""
    config, names = _config(manifest.path / CONFIG), frozenset(manifest.files)
    name = config.get("run_type", "pretrain")
    kind = next((run_type.config for run_type in RUN_TYPES if run_type.name == name), None)
    expected = kind.kind_of(config).checkpoint_files if kind else names
    if names != expected and not _members(manifest):
        raise CheckpointIntegrityError(
            f"{manifest.path / SENTINEL} must list exactly {', '.join(sorted(expected))}"
        )


def _config(path: Path) -> dict[str, Any]:
    try:
        config = parse_json(read_file(path))
    except (UntrustedFileError, ValueError) as error:
        raise CheckpointIntegrityError(f"{path} is not readable: {error}") from None
    if not isinstance(config, dict):
        raise CheckpointIntegrityError(f"{path} is not a JSON object")
    return config


def _members(manifest: Manifest) -> list[str]:
    matches = (_MEMBER.fullmatch(name) for name in manifest.files)
    return [match[1] for match in matches if match]


def _verify_member(path: Path) -> Manifest:
    member = verify(path)
    if path.is_symlink() or member.members:
        raise CheckpointIntegrityError(f"{path} is not the checkpoint of one model")
    return member


def _verify_files(manifest: Manifest) -> None:
    paths = [manifest.path / name for name in manifest.files]
    for path in paths:
        if path.is_symlink() or not path.is_file():
            raise IncompleteCheckpointError(f"{path} is missing")
    hashes = zip(paths, manifest.files.values(), _hash_all(paths), strict=True)
    for path, expected, found in hashes:
        if found != expected:
            raise CheckpointIntegrityError(f"{path} does not match its SHA-256 in {SENTINEL}")
        if path.suffix == TENSORS:
            check_tensor_file(path)
