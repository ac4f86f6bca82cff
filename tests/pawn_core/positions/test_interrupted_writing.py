"""What becomes of a folder of positions when writing ends early."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from written_positions import START, add, games, played

from pawn_core.positions import LabelledPosition, PositionLibrary, PositionSet, ShardWriter, writer
from pawn_core.positions.manifest import MANIFEST, ShardManifest

SOURCE = "external:pgn"


class Killed(BaseException):
    """Nothing is done any more."""


def rows_of(side: PositionSet) -> set[tuple[str, int, str]]:
    """What is known of each position."""
    columns = side.columns
    parts = np.split(np.arange(len(columns.policy_probs_e)), columns.policy_ends_n)[:-1]
    labels = [
        f"{columns.policy_indices_e[part].tolist()} {columns.policy_probs_e[part].tolist()} {value}"
        for part, value in zip(parts, columns.values_n, strict=True)
    ]
    return set(zip(columns.fens(), columns.games_n.tolist(), labels, strict=True))


@pytest.mark.parametrize("moment", ["a shard", "the manifest"])
def test_writing_that_ended_early_goes_on_to_the_same_positions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    whole = tmp_path / "whole"
    add(whole, games(0, 12))
    folder = tmp_path / "killed"
    with ShardWriter(folder, SOURCE, None, 0.25) as shards:
        for position in games(0, 4):
            shards.add(position)
        shards.commit({"next game": 4})
    with monkeypatch.context() as patch, ShardWriter(folder, SOURCE, None, 0.25) as shards:
        for position in games(4, 4):
            shards.add(position)
        patch.setattr(*_last_moment(moment))
        with pytest.raises(Killed):
            shards.commit({"next game": 8})
    assert rows_of(PositionLibrary.open(folder).train) < rows_of(PositionLibrary.open(whole).train)
    with ShardWriter(folder, SOURCE, None, 0.25) as shards:
        assert shards.place == {"next game": 4}
        for position in games(4, 8):
            shards.add(position)
        shards.commit({"next game": 12})
    continued, expected = PositionLibrary.open(folder), PositionLibrary.open(whole)
    assert rows_of(continued.train) == rows_of(expected.train)
    assert rows_of(continued.val) == rows_of(expected.val)
    assert continued.notices == ()


def _last_moment(moment: str) -> tuple[object, str, object]:
    """Where the process ends: with half a shard on the disk, or with all but the manifest."""
    if moment == "the manifest":
        return ShardManifest, "write", _killed
    return writer, "write_shard", _half_a_shard


def _killed(*_args: object) -> None:
    raise Killed


def _half_a_shard(folder: Path, *_args: object) -> None:
    (folder / "shards" / ".external-pgn-train-00000-0.safetensors.1.2.tmp").write_bytes(b"half")
    raise Killed


_UNTIL_KILLED = """
import itertools, os, signal, sys
from pathlib import Path
from written_positions import played
from pawn_core import durable
from pawn_core.positions import ShardWriter, manifest, shard_files

calls = itertools.count(1)

def replace_file(path, data):
    if next(calls) == int(sys.argv[2]):
        (path.parent / f".{path.name}.1.2.tmp").write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    durable.replace_file(path, data)

manifest.replace_file = shard_files.replace_file = replace_file
with ShardWriter(Path(sys.argv[1]), "external:pgn", None, 0.25) as shards:
    for number in range(12):
        for position in played(number, 12):
            shards.add(position)
        shards.commit(number + 1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("write", [2, 5, 6])
def test_writing_killed_by_sigkill_goes_on_to_the_same_positions(tmp_path: Path, write) -> None:
    add(tmp_path / "whole", games(0, 12))
    command = [sys.executable, "-c", _UNTIL_KILLED, str(tmp_path / "killed"), str(write)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    ended = subprocess.run(command, env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    with ShardWriter(tmp_path / "killed", SOURCE, None, 0.25) as shards:
        for number in range(shards.place or 0, 12):
            for position in played(number, 12):
                shards.add(position)
            shards.commit(number + 1)
    continued, expected = (PositionLibrary.open(tmp_path / name) for name in ("killed", "whole"))
    assert rows_of(continued.train) == rows_of(expected.train)
    assert rows_of(continued.val) == rows_of(expected.val)
    assert continued.notices == ()


def test_what_was_not_committed_does_not_count(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, SOURCE, None, 0.25) as shards:
        shards.add(LabelledPosition(START, "one"))
    assert not (tmp_path / MANIFEST).exists()
    assert add(tmp_path, [LabelledPosition(START, "one")])["kept"] == 1


def test_small_commits_fill_one_shard_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SHARD_POSITIONS", 10)
    with ShardWriter(tmp_path, SOURCE, None, 0.0) as shards:
        for number in range(8):
            for position in games(number, 1, plies=4):
                shards.add(position)
            shards.commit()
    manifest = ShardManifest.read(tmp_path)
    sizes = [shard.positions for shard in manifest.shards]
    assert sizes[:-1] == [10] * (len(sizes) - 1)
    files = {path.name for path in (tmp_path / "shards").iterdir()}
    assert files == {shard.file for shard in manifest.shards}
