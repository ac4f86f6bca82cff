"""What of a run has arrived: `uploads/<destination>.json` in its folder.

Never imports torch or the hub's client: the lab reads it.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.durable import make_directory, replace_file
from pawn_core.run_paths import SENTINEL, RunPaths
from pawn_core.untrusted import parse_json, read_file

MODEL_MARK = "-"
"""Between a destination's name and that of the model which alone goes there: `hf_repo-small`."""


@dataclass(frozen=True)
class Upload:
    """A checkpoint that has arrived, every hash compared."""

    manifest: str
    """SHA-256 of its `.complete`, which stands for all its files."""
    revision: str | None
    """The commit that brought it; buckets have none."""
    time: float
    """Unix seconds."""


@dataclass
class UploadRecord:
    """What one destination has of a run."""

    path: Path
    where: str
    model: str = ""
    """The only one of a run's models that goes there; empty: all that the run has."""
    uploads: dict[str, Upload] = field(default_factory=dict)
    """By checkpoint name."""
    weights: dict[str, str] = field(default_factory=dict)
    """By model: the checkpoint whose weights lie at the destination's root."""

    @classmethod
    def read(cls, run_dir: Path, destination: str, where: str) -> Self:
        """Return a run's record; an empty one where there is none of this place."""
        path = RunPaths(run_dir).upload(destination)
        model = destination.partition(MODEL_MARK)[2]
        document = _read(path)
        if document.get("where") != where:
            return cls(path, where, model)
        uploads = {name: Upload(**fields) for name, fields in document["uploads"].items()}
        return cls(path, where, model, uploads, document["weights"])

    def holds(self, checkpoint: Path) -> bool:
        """Whether this very checkpoint has arrived, not another of its step."""
        upload = self.uploads.get(checkpoint.name)
        return upload is not None and upload.manifest == file_sha256(
            checkpoint / self.model / SENTINEL
        )

    def add(
        self, checkpoint: Path, manifest: str, revision: str | None, weights: dict[str, Path]
    ) -> None:
        """Note an arrival, durably."""
        self.uploads[checkpoint.name] = Upload(manifest, revision, time.time())
        self.weights |= {model: best.name for model, best in weights.items()}
        make_directory(self.path.parent)
        replace_file(self.path, json.dumps(self._document(), indent=1).encode() + b"\n")

    def _document(self) -> dict[str, Any]:
        uploads = {name: asdict(upload) for name, upload in self.uploads.items()}
        return {"where": self.where, "uploads": uploads, "weights": self.weights}


def noted_place(run_dir: Path, destination: str) -> str:
    """Return the place that a run's record is of; empty where there is no record."""
    return _read(RunPaths(run_dir).upload(destination)).get("where", "")


def _read(path: Path) -> dict[str, Any]:
    """Return a record's document, empty where it is unreadable.

    What it knew is found out again: an upload compares hashes first.
    """
    try:
        document = parse_json(read_file(path))
        uploads = {name: asdict(Upload(**fields)) for name, fields in document["uploads"].items()}
        weights, where = dict(document["weights"]), str(document["where"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    return {"where": where, "uploads": uploads, "weights": weights}
