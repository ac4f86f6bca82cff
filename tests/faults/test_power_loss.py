"""Power lost after any system call of a save: what was acknowledged is there when it comes back."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from disk import Disk, Tree, write_tree
from saving import CASES, SAVED, checkpoint, newest, prepare, require_strace, under_strace

from pawn_core.checkpoint import store
from pawn_core.durable import replace_file, sync_file

MOST_STATES = 100  # of each case, in the push tier
NAMES = ("first", "next", "again")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder to save into, on a machine where strace can look on."""
    require_strace(tmp_path / "probe")
    return tmp_path / "workspace"


def states(directory: Path, action: Callable[[], object]) -> list[tuple[bool, Tree]]:
    """Return what the disk may hold after each system call, and whether the action had ended."""
    disk = Disk.of(directory)
    done = under_strace(directory.parent, action, "-s", "1000000")
    assert done.code == SAVED
    found = [(False, tree) for tree in disk.after_power_loss()]
    for call in done.calls:
        if disk.apply(call):
            found += [(False, tree) for tree in disk.after_power_loss()]
    found += [(True, tree) for tree in disk.after_power_loss()]
    return [*{(ended, frozenset(tree.items())): (ended, tree) for ended, tree in found}.values()]


def some(found: list[tuple[bool, Tree]], most: int | None) -> list[tuple[bool, Tree]]:
    """Return up to so many states, all those after the end among them; None: all."""
    after = [state for state in found if state[0]]
    before = [state for state in found if not state[0]]
    return after + random.Random(0).sample(before, len(before) if most is None else most)


def check_save(directory: Path, name: str, most: int | None) -> int:
    """Lose the power in a save, in so many ways, and look for the newest checkpoint."""
    case = CASES[name]
    checkpoints = prepare(directory, case)
    wanted = checkpoint(case.after, case.models)
    found = states(directory, lambda: store.save(checkpoints, wanted))
    chosen = some(found, most)
    for ended, tree in chosen:
        shutil.rmtree(directory)
        write_tree(directory, tree)
        allowed = {case.after} if ended else {case.before, case.after}
        assert newest(checkpoints) in allowed, sorted(tree)
    return len(chosen)


@pytest.mark.parametrize("name", NAMES)
def test_power_lost_in_a_save_leaves_the_former_or_the_new(directory, name):
    assert check_save(directory, name, MOST_STATES) > MOST_STATES


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [*NAMES, "models"])
def test_power_lost_in_a_save_leaves_the_former_or_the_new_in_every_state(directory, name):
    print(f"{name}: {check_save(directory, name, None)} states")


def test_power_lost_while_a_file_is_replaced_leaves_the_old_contents_or_the_new(directory):
    path = directory / "outcome.json"
    directory.mkdir()
    replace_file(path, b"the old contents")
    found = states(directory, lambda: replace_file(path, b"the new"))
    assert {ended for ended, _ in found} == {False, True}
    for ended, tree in found:
        assert tree[path.name] in ([b"the new"] if ended else [b"the old contents", b"the new"])


@pytest.mark.parametrize("missing", ["file", "directory"])
def test_a_save_that_forgets_to_sync_is_caught(directory, missing):
    directory.mkdir()

    def forgetful() -> None:
        partial, path = directory / "partial", directory / "file"
        partial.write_bytes(b"contents")
        with partial.open("rb") as file:
            if missing == "directory":
                os.fsync(file.fileno())
        partial.rename(path)
        if missing == "file":
            sync_file(directory)

    found = [tree for ended, tree in states(directory, forgetful) if ended]
    assert any(tree.get("file") != b"contents" for tree in found)
