"""Paths that somebody typed: whatever the text, it is a file, a folder or neither."""

import pytest

from pawn_core.text_path import is_file, is_folder, is_there


@pytest.mark.parametrize("text", ["x" * 3000, "a\0b", "\ud800", "", "no/such"])
def test_text_that_is_no_path_names_nothing(text, tmp_path):
    path = f"{tmp_path}/{text}" if text else text
    assert not is_file(path)
    assert not is_there(path + "/x")


def test_a_file_and_a_folder_are_told_apart(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert (is_file(file), is_folder(file), is_there(file)) == (True, False, True)
    assert (is_file(tmp_path), is_folder(tmp_path), is_there(str(tmp_path))) == (False, True, True)
