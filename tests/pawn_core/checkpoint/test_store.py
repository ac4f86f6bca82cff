"""Saving is atomic, loading verifies."""

import errno
import os
from pathlib import Path

import pytest
import torch

from pawn_core.checkpoint import (
    CheckpointIntegrityError,
    IncompleteCheckpointError,
    latest_verified,
    store,
    verify,
)
from pawn_core.checkpoint.manifest import list_checkpoints
from pawn_core.run_paths import FILES


def test_what_is_loaded_is_what_was_saved(saved: Path, make) -> None:
    loaded, original = store.load(saved), make(7)
    assert saved.name == "step_00000007"
    assert sorted(p.name for p in saved.iterdir()) == sorted((*FILES, ".complete"))
    for kind in ("model", "optimizer"):
        ours, theirs = getattr(loaded, kind), getattr(original, kind)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (loaded.step, loaded.training_state, loaded.config) == (7, {"step": 7}, {"lr": 0.1})


def test_the_newest_verified_checkpoint_is_found_past_damaged_ones(saved: Path, make) -> None:
    directory = saved.parent
    assert latest_verified(directory) == saved
    newer = store.save(directory, make(12))
    assert latest_verified(directory) == newer
    (newer / "model.safetensors").write_bytes(b"")
    assert latest_verified(directory) == saved
    (saved / ".complete").unlink()
    assert latest_verified(directory) is None
    assert latest_verified(directory / "nowhere") is None


def test_leftovers_of_interrupted_saves_are_never_taken_for_checkpoints(saved: Path) -> None:
    directory = saved.parent
    partial = directory / ".partial-step_00000099-1"
    partial.mkdir()
    (partial / ".complete").write_text("{}")
    assert list(directory.glob("step_*")) == list_checkpoints(directory) == [saved]
    store.remove_partials(directory)
    assert list(directory.iterdir()) == [saved]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_failing_disk_leaves_the_old_checkpoint_and_no_new_one(
    saved: Path, make, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        store.save(saved.parent, make(8))
    monkeypatch.undo()
    assert list(saved.parent.iterdir()) == [saved]
    assert verify(saved).step == 7


def test_every_file_is_synced_before_the_rename_and_the_parent_after(
    saved: Path, make, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, rename = os.fsync, os.rename

    def record_fsync(fd: int) -> None:
        calls.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        fsync(fd)

    def record_rename(source: Path, target: Path) -> None:
        calls.append("-> " + Path(target).name)
        rename(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "rename", record_rename)
    store.save(saved.parent, make(8))
    renamed = calls.index("-> step_00000008")
    assert {*FILES, ".complete"} <= set(calls[:renamed])
    assert calls[renamed - 1].startswith(".partial-step_00000008")
    assert calls[renamed + 1] == "checkpoints"


def test_saving_a_step_again_replaces_it(saved: Path, make) -> None:
    again = make(7)
    again.training_state["note"] = "second"
    assert store.save(saved.parent, again) == saved
    assert store.load(saved).training_state["note"] == "second"
    assert list(saved.parent.iterdir()) == [saved]


def test_a_checkpoint_under_another_name_keeps_its_step_but_not_under_another_step(
    saved: Path,
) -> None:
    best = saved.rename(saved.with_name("best"))
    assert verify(best).step == 7
    with pytest.raises(CheckpointIntegrityError, match="holds step 7"):
        verify(best.rename(saved.with_name("step_00000008")))


def test_a_missing_directory_sentinel_or_file_is_incomplete(saved: Path) -> None:
    with pytest.raises(IncompleteCheckpointError, match="not a checkpoint directory"):
        store.load(saved.with_name("step_00000001"))
    (saved / "config.json").unlink()
    with pytest.raises(IncompleteCheckpointError, match=r"config\.json is missing"):
        store.load(saved)
    (saved / ".complete").unlink()
    with pytest.raises(IncompleteCheckpointError, match="never finished"):
        store.load(saved)
