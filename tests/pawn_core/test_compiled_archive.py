"""What a run has compiled as one file."""

import json
from hashlib import sha256

import pytest

from pawn_core.compiled_archive import ArchiveError, CompiledArchive, load_archive


def write(path, contents: bytes, **head) -> None:
    head = {"key": "this", "sha256": sha256(contents).hexdigest()} | head
    path.write_bytes(json.dumps(head).encode() + b"\n" + contents)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        ({"key": "torch-9"}, r"is of 'torch-9'; this is 'this'"),
        ({"key": None}, r"is of None; this is 'this'"),
        ({"sha256": "0"}, "does not match its SHA-256: it is damaged"),
        pytest.param({}, "is not what this torch writes", marks=pytest.mark.slow),  # asks torch
    ],
)
def test_an_archive_of_another_machine_or_a_damaged_one_is_not_loaded(tmp_path, head, what):
    write(tmp_path / "this.graphs", b"compiled", **head)
    with pytest.raises(ArchiveError, match=what):
        load_archive(tmp_path / "this.graphs", "this")


def test_a_file_that_is_no_archive_is_not_loaded(tmp_path):
    (tmp_path / "this.graphs").write_bytes(b"PK\x03\x04")
    with pytest.raises(ArchiveError, match=r"this\.graphs is not JSON"):
        load_archive(tmp_path / "this.graphs", "this")


def test_nothing_is_written_before_anything_is_compiled(tmp_path):
    archive = CompiledArchive(tmp_path / "compiled", "this")
    assert not archive.update(graphs=0)
    assert not archive.path.parent.exists()
