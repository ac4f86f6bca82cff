"""A folder of positions that is opened: what it proves, refuses and passes over."""

import json
from pathlib import Path

import numpy as np
import pytest
from written_positions import played, write_positions

from pawn_core.config import ConfigError
from pawn_core.positions import (
    DamagedPositionsError,
    PositionLibrary,
    ShardWriter,
    require_positions,
)
from pawn_core.positions.manifest import MANIFEST, ShardManifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Positions of three sources, on both sides of the split."""
    return write_positions(tmp_path, games=6, plies=20)


def shard_paths(folder: Path) -> list[Path]:
    return [folder / "shards" / shard.file for shard in ShardManifest.read(folder).shards]


def change_manifest(folder: Path, change) -> None:
    """Rewrite the manifest by hand."""
    document = json.loads((folder / MANIFEST).read_bytes())
    change(document)
    (folder / MANIFEST).write_text(json.dumps(document))


def test_positions_are_found_by_domain_and_source(folder: Path) -> None:
    library = PositionLibrary.open(folder)
    assert library.sources == ("external:pgn", "stockfish:openings", "stockfish:tactical")
    rows = library.train.rows_by_domain
    assert list(rows) == ["external", "openings", "tactical"]
    assert sorted(np.concatenate([*rows.values()]).tolist()) == list(range(len(library.train)))
    assert (library.train.sources_n[rows["tactical"]] == 2).all()


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0], ids=["header", "middle", "end"])
def test_a_shard_with_a_wrong_hash_is_refused_by_name(folder: Path, place: float) -> None:
    path = shard_paths(folder)[1]
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)
    expected = ShardManifest.read(folder).shards[1].sha256
    with pytest.raises(DamagedPositionsError, match=f"{path.name} is damaged.*not {expected} as"):
        PositionLibrary.open(folder)


@pytest.mark.parametrize("content", [b"", b"no tensors at all", b"\x80\x02}q\x00."])
def test_what_is_no_shard_is_refused_without_its_hash(folder: Path, content: bytes) -> None:
    path = shard_paths(folder)[0]
    path.write_bytes(content)
    with pytest.raises(DamagedPositionsError, match=f"{path.name} holds no columns"):
        PositionLibrary.open(folder, verify=False)


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_shard_that_is_not_whole_is_refused_by_name(folder: Path, damage: str) -> None:
    path = shard_paths(folder)[0]
    data = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(data[:-1])
    with pytest.raises(DamagedPositionsError, match=path.name):
        PositionLibrary.open(folder)


def test_a_shard_that_the_manifest_does_not_list_does_not_count_and_is_said(folder: Path) -> None:
    before = PositionLibrary.open(folder)
    path = shard_paths(folder)[0]
    path.with_name("teacher-train-00000-12345678.safetensors").write_bytes(path.read_bytes())
    library = PositionLibrary.open(folder)
    assert len(library.train) == len(before.train)
    [notice] = library.notices
    assert notice.endswith("12345678.safetensors is not in the manifest and does not count")


def test_a_shard_that_is_listed_twice_under_another_side_is_refused(folder: Path) -> None:
    def relabel(document) -> None:
        shard = next(s for s in document["shards"] if s["split"] == "train")
        document["shards"].append(shard | {"split": "val"})

    change_manifest(folder, relabel)
    with pytest.raises(DamagedPositionsError, match=r"trains on \d+ of the games that it"):
        PositionLibrary.open(folder)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("format", 2, "format 2; allowed: 1"),
        ("shards", [{"file": "x"}], "missing"),
        ("shards", 3, "not iterable"),
        ("sources", {"teacher": {"colour": "red"}}, "colour"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(folder: Path, field, value, message) -> None:
    change_manifest(folder, lambda document: document.update({field: value}))
    with pytest.raises(DamagedPositionsError, match=f"{MANIFEST} is damaged: .*{message}"):
        PositionLibrary.open(folder)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("file", "../manifest.json", "'../manifest.json' is no file's name"),
        ("split", "test", "split 'test'; allowed: train, val"),
        ("positions", 1, r"has \d+ positions, not 1 as in the manifest"),
    ],
)
def test_a_manifest_that_says_what_cannot_be_is_refused(
    folder: Path, field, value, message
) -> None:
    change_manifest(folder, lambda document: document["shards"][0].update({field: value}))
    with pytest.raises(DamagedPositionsError, match=message):
        PositionLibrary.open(folder)


@pytest.mark.parametrize("name", ["nothing", "manifest.json"])
def test_what_is_no_folder_of_positions_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is no folder of positions: it has no manifest"):
        PositionLibrary.open(folder / name)


def test_a_side_without_positions_is_named(tmp_path: Path) -> None:
    folder = write_positions(tmp_path, games=2, plies=4, val_share=0.0)
    with pytest.raises(ConfigError, match=r"none on the side 'val' .* holds out 0\.0 of its games"):
        require_positions(PositionLibrary.open(folder))


def test_a_folder_in_which_nothing_was_kept_is_open_and_empty(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "teacher") as writer:
        writer.commit()
    library = PositionLibrary.open(tmp_path)
    assert len(library.train) == len(library.val) == 0
    assert library.train.rows_by_domain == {}
    assert len(library.val.sample(10)) == 0


def test_a_sample_has_about_as_many_of_every_source_and_is_always_the_same(folder: Path) -> None:
    with ShardWriter(folder, "teacher", None, 0.25) as writer:
        for position in played(1000, 3):
            writer.add(position)
        writer.commit()
    library = PositionLibrary.open(folder)
    side = library.train if (library.train.sources_n == 3).any() else library.val
    rows = side.sample(30)
    assert len(set(rows.tolist())) == 30
    counts = np.bincount(side.sources_n[rows], minlength=4)
    assert counts[3] <= 3
    assert counts[:3].max() - counts[:3].min() <= 1
    again = PositionLibrary.open(folder)
    same_side = again.train if side is library.train else again.val
    assert (same_side.sample(30) == rows).all()
    assert sorted(side.sample(10**6).tolist()) == list(range(len(side)))


def test_the_digest_tells_other_positions_apart(folder: Path) -> None:
    before = PositionLibrary.open(folder).digest
    assert PositionLibrary.open(folder).digest == before
    with ShardWriter(folder, "teacher", None, 0.25) as writer:
        for position in played(1000, 30):
            writer.add(position)
        writer.commit()
    assert PositionLibrary.open(folder).digest != before
