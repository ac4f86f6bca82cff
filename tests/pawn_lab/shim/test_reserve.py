"""The record of a trial's end finds its room, whatever the disk has left."""

import json
import os

import pytest

from pawn_lab.shim import reserve
from pawn_lab.shim.reserve import RESERVED_BYTES, keep_room, write_reserved

RECORD = {"code": 1, "outcome": None}


def test_a_record_takes_the_room_that_was_kept_and_no_more(tmp_path):
    kept, path = tmp_path / "exit.reserve", tmp_path / "exit.json"
    keep_room(kept)
    status = kept.stat()
    assert status.st_blocks * 512 >= RESERVED_BYTES
    write_reserved(path, kept, RECORD)
    assert json.loads(path.read_text()) == RECORD
    assert path.stat().st_ino == status.st_ino
    assert not kept.exists()


@pytest.mark.parametrize("replacement", ["none", "link", "fifo", "folder"])
def test_a_reserve_that_somebody_took_away_is_done_without(tmp_path, replacement):
    kept, path, other = tmp_path / "exit.reserve", tmp_path / "exit.json", tmp_path / "other"
    other.write_text("theirs")
    if replacement == "link":
        kept.symlink_to(other)
    elif replacement == "fifo":
        os.mkfifo(kept)
    elif replacement == "folder":
        kept.mkdir()
    write_reserved(path, kept, RECORD)
    assert json.loads(path.read_text()) == RECORD
    assert other.read_text() == "theirs"


def test_a_record_larger_than_the_room_is_written_beside_it(tmp_path):
    kept, path = tmp_path / "exit.reserve", tmp_path / "exit.json"
    keep_room(kept)
    record = RECORD | {"outcome": "x" * RESERVED_BYTES}
    write_reserved(path, kept, record)
    assert json.loads(path.read_text()) == record


def test_a_file_system_that_never_writes_in_place_gives_the_room_back_first(tmp_path, monkeypatch):
    kept, path = tmp_path / "exit.reserve", tmp_path / "exit.json"
    keep_room(kept)

    def refuse(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(reserve, "_overwrite", refuse)
    write_reserved(path, kept, RECORD)
    assert json.loads(path.read_text()) == RECORD
    assert not kept.exists()
