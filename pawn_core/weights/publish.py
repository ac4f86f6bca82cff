"""A folder of weights in the published form: whole or not there, with its hashes in `.complete`."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.durable import sync_file, write_file
from pawn_core.run_paths import SENTINEL
from pawn_core.weights.spec import FORMAT_VERSION


@contextmanager
def new_folder(output_dir: Path) -> Iterator[Path]:
    """Give a folder to fill, which then gets its `.complete` and its name in one step.

    Raises:
        FileExistsError: `output_dir` exists.
    """
    if output_dir.exists():
        raise FileExistsError(f"{output_dir} exists; name a folder that does not")
    partial = output_dir.with_name(f".partial-{output_dir.name}-{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        _seal(partial)
        partial.rename(output_dir)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_file(output_dir.parent)


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document that people may read too."""
    write_file(path, json.dumps(document, indent=2, allow_nan=False).encode() + b"\n")


def _seal(folder: Path) -> None:
    """Write `.complete` in the published form and force everything to the disk."""
    files = sorted(folder.iterdir())
    hashes = {path.name: file_sha256(path) for path in files}
    write_json(folder / SENTINEL, {"format_version": FORMAT_VERSION, "files": hashes})
    for path in (*files, folder):
        sync_file(path)
