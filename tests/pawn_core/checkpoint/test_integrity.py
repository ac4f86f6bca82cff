"""Damage and disguise are refused before any tensor is parsed."""

import json
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pawn_core.checkpoint import (
    CheckpointError,
    CheckpointIntegrityError,
    UnsafeFileError,
    store,
    verify,
)
from pawn_core.checkpoint.manifest import file_sha256
from pawn_core.checkpoint.safety import check_tensor_file, is_pickle
from pawn_core.run_paths import FILES


def reseal(checkpoint: Path) -> None:
    """Give a tampered checkpoint the hashes of what it now holds."""
    document = json.loads((checkpoint / ".complete").read_text())
    document["files"] = {name: file_sha256(checkpoint / name) for name in document["files"]}
    (checkpoint / ".complete").write_text(json.dumps(document))


@pytest.mark.parametrize(
    "times", [pytest.param(40, id="40"), pytest.param(500, id="500", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", [*FILES, ".complete"])
def test_any_flipped_bit_or_lost_byte_is_noticed(saved: Path, name: str, times: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    original = (saved / name).read_bytes()
    for _ in range(times):
        position = generator.randrange(len(original))
        flipped = bytearray(original)
        flipped[position] ^= 1 << generator.randrange(8)
        for damaged in (bytes(flipped), original[:position]):
            (saved / name).write_bytes(damaged)
            if name == ".complete" and same_meaning(damaged, original):
                continue
            with pytest.raises(CheckpointError):
                store.load(saved)


def same_meaning(damaged: bytes, original: bytes) -> bool:
    """Tell whether only the white space of a JSON document changed."""
    try:
        return json.loads(damaged) == json.loads(original)
    except ValueError:
        return False


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_by_its_first_bytes(saved: Path, protocol: int) -> None:
    (saved / "model.safetensors").write_bytes(pickle.dumps({"a": [1, 2, 3]}, protocol))
    reseal(saved)
    with pytest.raises(UnsafeFileError, match="is a pickle"):
        store.load(saved)


def test_a_torch_file_is_refused_though_its_hash_is_right(saved: Path) -> None:
    torch.save({"a": torch.ones(3)}, saved / "optimizer.safetensors")
    reseal(saved)
    with pytest.raises(UnsafeFileError, match="is a pickle"):
        store.load(saved)


def test_a_header_length_that_looks_like_a_pickle_is_not_taken_for_one() -> None:
    for low_bytes in (b"\x80\x02", b"\x80\x04", b"\x80\x05"):
        assert not is_pickle(low_bytes + b"\x00\x00\x00\x00\x00\x00")


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        (b"[]", b"", "not a JSON object"),
        (b"{", b"", "not a JSON object"),
        (b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', b"\0" * 4, "does not fit"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"\0" * 8, "holds 8 bytes"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', b"\0" * 8, "a gap or an"),
        (b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', b"\0" * 4, "out of bounds"),
        (b'{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}', b"\0" * 4, "out of bounds"),
        (b'{"a":{"dtype":"X","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4, "malformed"),
        (b'{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}', b"\0", "bounds"),
        (b'{"a":7}', b"", "malformed"),
    ],
)
def test_a_header_that_lies_is_refused(
    tmp_path: Path, header: bytes, data: bytes, message: str
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    with pytest.raises(CheckpointIntegrityError, match=message):
        check_tensor_file(path)


@pytest.mark.parametrize("length", [0, 3, 8, 9, 2**24 + 1, 2**62, 2**64 - 1])
def test_a_header_longer_than_the_file_or_the_limit_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(length.to_bytes(8, "little")[: max(length, 4)])
    with pytest.raises(CheckpointIntegrityError):
        check_tensor_file(path)


@pytest.mark.parametrize(
    "sentinel",
    [
        "",
        "null",
        "[]",
        '{"format": 2, "step": 7, "files": {}}',
        '{"format": 1, "step": 7, "files": {"../../etc/passwd": "0"}}',
        '{"format": 1, "step": 7, "files": []}',
        "[" * 100_000,
        " " * (2 << 20),
    ],
)
def test_a_sentinel_that_is_not_one_is_refused(saved: Path, sentinel: str) -> None:
    (saved / ".complete").write_text(sentinel)
    with pytest.raises(CheckpointIntegrityError):
        verify(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors"])
def test_a_sentinel_without_one_of_the_run_types_files_is_refused(saved: Path, name: str) -> None:
    document = json.loads((saved / ".complete").read_text())
    del document["files"][name]
    (saved / ".complete").write_text(json.dumps(document))
    with pytest.raises(CheckpointIntegrityError, match="must list exactly"):
        verify(saved)


@pytest.mark.parametrize("config", ["{", "[]", "1", "x" * (17 << 20)], ids=lambda text: text[:2])
def test_a_config_that_is_none_is_refused_though_its_hash_is_right(saved: Path, config) -> None:
    (saved / "config.json").write_text(config)
    reseal(saved)
    with pytest.raises(CheckpointIntegrityError, match=r"config\.json"):
        verify(saved)


def test_the_files_of_a_run_type_that_is_unknown_here_are_taken_as_listed(saved: Path) -> None:
    (saved / "config.json").write_text('{"run_type": "of another version"}')
    (saved / "optimizer.safetensors").rename(saved / "critic.safetensors")
    document = json.loads((saved / ".complete").read_text())
    document["files"]["critic.safetensors"] = document["files"].pop("optimizer.safetensors")
    (saved / ".complete").write_text(json.dumps(document))
    reseal(saved)
    assert set(store.load(saved).tensors) == {"model.safetensors", "critic.safetensors"}


def test_a_link_in_place_of_a_file_is_refused(saved: Path, tmp_path: Path) -> None:
    elsewhere = (saved / "config.json").rename(tmp_path / "config.json")
    (saved / "config.json").symlink_to(elsewhere)
    with pytest.raises(CheckpointError, match="missing"):
        verify(saved)


def test_verification_and_metrics_never_import_torch() -> None:
    code = """
import sys, pawn_core.checkpoint.manifest, pawn_core.metrics
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
