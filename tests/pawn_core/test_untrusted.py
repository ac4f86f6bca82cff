"""Files that someone else may have replaced: never waited for, never followed, never too much."""

import json
import os
import socket
from pathlib import Path

import pytest

from pawn_core.untrusted import (
    MOST_DEPTH,
    UntrustedFileError,
    open_file,
    open_log,
    parse_json,
    read_end,
    read_file,
)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.with_name("secret").write_text("secret")
    path.symlink_to("secret")


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def listening_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.fixture
def short_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # the name of a socket is at most 108 bytes
    return Path("file")


@pytest.mark.parametrize("make", [fifo, folder, link, dangling_link, listening_socket])
def test_what_is_no_regular_file_is_refused_at_once(short_path: Path, make) -> None:
    make(short_path)
    for read in (open_file, read_file, lambda path: read_end(path, 10)):
        with pytest.raises(UntrustedFileError, match="file is not a regular file"):
            read(short_path)
    with pytest.raises(OSError, match="file"):
        open_log(short_path)


def test_a_link_among_the_folders_below_the_root_is_refused_and_one_above_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "real" / "run").mkdir(parents=True)
    (tmp_path / "real" / "run" / "file").write_text("text")
    root = tmp_path / "root"
    root.symlink_to("real")
    assert read_file(root / "run" / "file", root) == b"text"
    (tmp_path / "real" / "linked").symlink_to("run")
    with pytest.raises(UntrustedFileError, match="not reached through folders alone"):
        read_file(root / "linked" / "file", root)


def test_a_file_is_read_up_to_a_size_and_a_missing_one_is_said_to_be_missing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "file"
    with pytest.raises(FileNotFoundError, match="file"):
        read_file(file)
    file.write_bytes(b"0123456789")
    assert read_file(file, most=10) == b"0123456789"
    assert (read_end(file, 3), read_end(file, 30)) == (b"789", b"0123456789")
    with pytest.raises(UntrustedFileError, match="over 9 bytes"):
        read_file(file, most=9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[NaN, Infinity, -Infinity, 1e999]", [None] * 4),
        (f"[{'9' * 400}, -{'9' * 5000}, {2**63}, {2**63 - 1}]", [None, None, None, 2**63 - 1]),
        (r'["\ud83d", "\ud83d\ude00"]', ["�", "😀"]),
        (r'{"\udc00": 1, "a": 1, "a": 2}', {"�": 1, "a": 2}),
        (b'"\xff"', "�"),
    ],
)
def test_json_becomes_values_that_can_be_counted_with_shown_and_written(text, value) -> None:
    assert parse_json(text) == value
    assert json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def test_what_lies_too_deep_is_left_out_or_refused() -> None:
    deep = parse_json("[" * 500 + "]" * 500)
    assert json.dumps(deep) == "[" * MOST_DEPTH + "null" + "]" * MOST_DEPTH
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json("[" * 100_000 + "]" * 100_000)
