"""Documents on disk, whoever may have replaced them."""

import os

import pytest

from pawn_core.untrusted import MOST_BYTES, UntrustedFileError
from pawn_lab.documents import load_json_object, read_json_object, read_text, write_json


def test_a_written_document_is_read_again(tmp_path):
    write_json(tmp_path / "file", {"step": 1})
    assert read_json_object(tmp_path / "file") == {"step": 1}


@pytest.mark.parametrize(
    "data",
    [b"[1]", b"{", b"", b"\xff", b"[" * 100_000, b" " * (MOST_BYTES + 1)],
    ids=["a list", "torn", "empty", "no text", "deep", "large"],
)
def test_what_is_no_object_counts_as_absent_and_can_be_told_from_it(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    assert read_json_object(tmp_path / "file") is None
    with pytest.raises(UntrustedFileError, match="file"):
        load_json_object(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        load_json_object(tmp_path / "other")


def test_the_end_of_a_text_is_read_whatever_its_bytes_and_nothing_of_a_fifo(tmp_path):
    (tmp_path / "file").write_bytes(b"caf\xc3\xa9 \xff")
    assert read_text(tmp_path / "file") == "café �"
    assert read_text(tmp_path / "file", most=3) == "� �"
    assert read_text(tmp_path / "other") == ""
    os.mkfifo(tmp_path / "fifo")
    assert read_text(tmp_path / "fifo") == ""
