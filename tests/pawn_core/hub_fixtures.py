"""Published weights in a folder, and on a hub of the tests' own."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_hub import FakeHub
from published import Tensors, published_config, published_tensors
from safetensors.numpy import save_file

SIZES = (24, 2, 3, 40)  # width, layers, heads, feed-forward width


def tensors_of(vocabulary: str = "searchless") -> Tensors:
    """Return random weights of a small model."""
    d, layers, _, d_ff = SIZES
    return published_tensors(d, layers, d_ff, vocabulary)


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


@pytest.fixture
def hub(publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A server that answers as the hub does, with one repository, `owner/name`."""
    folder = publish(tensors_of(), published_config(*SIZES, "searchless"))
    with FakeHub() as server:
        server.publish("owner/name", folder)
        constants = "huggingface_hub.constants"
        monkeypatch.setattr(f"{constants}.ENDPOINT", server.url)
        url = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server
