"""Documents on disk, whoever may have replaced them."""

import os

import pytest

from pawn_core.untrusted import MOST_BYTES, UntrustedFileError
from pawn_lab.documents import (
    load_json_object,
    own_folder,
    read_json_object,
    read_text,
    write_cache,
    write_json,
)


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


def test_a_folder_of_the_labs_own_is_made_once_and_is_no_link(tmp_path):
    own_folder(tmp_path / "own")
    own_folder(tmp_path / "own")
    (tmp_path / "link").symlink_to("own")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(
            NotADirectoryError, match=r"not a folder of its own; move it away.*" + name
        ):
            own_folder(tmp_path / name)


def test_a_cache_is_replaced_whole_or_not_at_all(tmp_path):
    write_cache(tmp_path / "file", b"1")
    write_cache(tmp_path / "file", b"2")
    write_cache(tmp_path / "missing" / "file", b"3")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"2"]
