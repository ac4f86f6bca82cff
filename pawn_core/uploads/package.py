"""The files that go to a destination with a checkpoint.

checkpoints/step_00005000/      the whole checkpoint, to resume from
model.safetensors, config.json, .complete
                                the best weights so far; of several models, each in its folder;
                                of an adapter its own files in place of the model
metrics.jsonl                   the metrics stream up to now
compiled/                       what the run has compiled, where it was asked for
"""

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pawn_core.checkpoint.manifest import Manifest, file_sha256, verify
from pawn_core.run_paths import (
    ADAPTER,
    BACKBONE,
    CHECKPOINTS,
    CONFIG,
    METRICS,
    MODEL,
    PEFT,
    SENTINEL,
    WEIGHTS,
    RunPaths,
)

_WITH_WEIGHTS = (MODEL, ADAPTER, BACKBONE, PEFT, CONFIG, SENTINEL)

Contents = Path | bytes


@dataclass(frozen=True)
class Package:
    """A checkpoint with what travels with it; every path is relative to the destination."""

    checkpoint: Path
    files: dict[str, Contents]
    sha256: dict[str, str]
    """Of the checkpoint's own files: what has to be there for it to have arrived."""
    weights: dict[str, Path]
    """By model, the checkpoint that the weights at the root are of."""
    model: str = ""
    """The only model that goes there, as if it had been trained alone; empty: all there are."""

    @classmethod
    def of(cls, run_dir: Path, checkpoint: Path, weights: dict[str, Path], model: str = "") -> Self:
        """Verify a checkpoint, and those whose weights go along, and list the files.

        Raises:
            CheckpointError: one of them is incomplete or damaged.
        """
        source = checkpoint / model
        hashes = _hashes(verify(source))
        for other in {*weights.values()} - {checkpoint}:
            verify(other)
        folder = _folder(checkpoint)
        files: dict[str, Contents] = {f"{folder}/{name}": source / name for name in hashes}
        for name, best in weights.items():
            there = {path.name: path for path in (best / name).iterdir()}
            if not WEIGHTS & there.keys():  # no run type's checkpoints need have weights
                continue
            place = "" if name == model else name
            with_weights = [file for file in _WITH_WEIGHTS if file in there]
            files |= {posixpath.join(place, file): there[file] for file in with_weights}
        for archive in RunPaths(run_dir).compiled.glob("*.graphs"):
            files[f"{archive.parent.name}/{archive.name}"] = archive
        files[METRICS] = _whole_lines(RunPaths(run_dir).metrics)
        sha256 = {f"{folder}/{name}": digest for name, digest in hashes.items()}
        return cls(checkpoint, files, sha256, weights, model)

    @property
    def manifest(self) -> str:
        """SHA-256 of the checkpoint's `.complete`."""
        return self.sha256[f"{_folder(self.checkpoint)}/{SENTINEL}"]

    def checkpoint_file(self, path: str) -> Path:
        """Return where one of the checkpoint's own files is on this machine."""
        return self.checkpoint / self.model / path.removeprefix(f"{_folder(self.checkpoint)}/")


def _folder(checkpoint: Path) -> str:
    return f"{CHECKPOINTS}/{checkpoint.name}"


def _hashes(manifest: Manifest) -> dict[str, str]:
    """Return the SHA-256 of every file below a verified checkpoint, by relative path."""
    inner = {
        f"{name}/{path}": digest
        for name, member in manifest.members.items()
        for path, digest in _hashes(member).items()
    }
    return {**manifest.files, **inner, SENTINEL: file_sha256(manifest.path / SENTINEL)}


def _whole_lines(path: Path) -> bytes:
    """Return a stream that may be growing, as of now."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]
