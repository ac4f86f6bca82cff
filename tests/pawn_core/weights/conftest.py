"""Published weights in a folder."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from published import Tensors
from safetensors.numpy import save_file


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a published repository's files into a folder."""

    def write(tensors: Tensors, config: dict[str, Any] | None) -> Path:
        folder = tmp_path / "published"
        folder.mkdir()
        save_file(tensors, folder / "model.safetensors")
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config))
        hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
        (folder / ".complete").write_text(json.dumps({"format_version": 1, "files": hashes}))
        return folder

    return write
