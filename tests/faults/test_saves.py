"""Saves killed at, or refused by, each of their system calls: nothing acknowledged is lost."""

from collections import Counter
from pathlib import Path

import pytest
from saving import (
    CASES,
    OF_FILES,
    RAISED,
    SAVED,
    UNRELATED,
    check_spoiled,
    prepare,
    require_strace,
    spoil_save,
)

ERRORS = ("ENOSPC", "EIO", "EROFS")
CALLS = "write,ftruncate,fsync,rename,renameat,renameat2,mkdir,openat"
KILLED = -9
PUSH_CASES = ("first", "next", "again")
PUSH_KILLS, PUSH_ERRORS = 24, 12


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder to save into, on a machine where strace can look on."""
    require_strace(tmp_path / "probe")
    return tmp_path / "workspace"


Point = tuple[str, int]
"""A system call of a save: its name, and which of that name it is."""


def points(directory: Path, name: str, calls: str = OF_FILES) -> list[Point]:
    """Return the system calls on files of a save in their order."""
    prepare(directory, CASES[name])
    spoiled = spoil_save(directory, CASES[name], "-e", f"trace={calls}")
    assert spoiled.code == SAVED
    made = [line.partition("(")[0] for line in spoiled.calls if " = " in line]
    seen: Counter[str] = Counter()
    found = []
    for call in [call for call in made if call not in UNRELATED]:
        seen[call] += 1
        found.append((call, seen[call]))
    return found


def kill(directory: Path, name: str, point: Point) -> int:
    """Kill a save at one of its system calls."""
    call, number = point
    tampering = f"inject={call}:signal=SIGKILL:when={number}"
    return check_spoiled(directory, CASES[name], "-e", tampering).code


def refuse(directory: Path, name: str, error: str, point: Point, further: str) -> int:
    """Let a system call of a save fail; with `+` all later ones of its name too."""
    call, number = point
    tampering = f"inject={call}:error={error}:when={number}{further}"
    return check_spoiled(directory, CASES[name], "-e", tampering).code


def spread(found: list[Point], most: int) -> list[Point]:
    """Return some of the points, evenly spread, the last one among them."""
    return found[:: -max(1, len(found) // most)]


@pytest.mark.parametrize("name", PUSH_CASES)
def test_a_save_killed_at_a_system_call_leaves_the_former_or_the_new(directory, name):
    chosen = spread(points(directory, name), PUSH_KILLS)
    codes = [kill(directory, name, point) for point in chosen]
    assert set(codes) == {KILLED}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
def test_a_save_killed_at_any_system_call_leaves_the_former_or_the_new(directory, name):
    found = points(directory, name)
    codes = [kill(directory, name, point) for point in found]
    print(f"{name}: killed at {len(found)} system calls")
    assert set(codes) == {KILLED}


@pytest.mark.parametrize("name", PUSH_CASES)
def test_a_save_that_a_call_refuses_says_so_and_leaves_the_former(directory, name):
    chosen = spread(points(directory, name, CALLS), PUSH_ERRORS)
    codes = [
        refuse(directory, name, ERRORS[n % 3], point, "+" if n % 2 else "")
        for n, point in enumerate(chosen)
    ]
    assert codes.count(RAISED) >= len(codes) // 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", CASES)
def test_a_save_that_any_call_refuses_says_so_and_leaves_the_former(directory, name, error):
    found = points(directory, name, CALLS)
    codes = [
        refuse(directory, name, error, point, further) for point in found for further in ("", "+")
    ]
    print(f"{name}, {error}: {codes.count(RAISED)} of {len(codes)} saves raised")
    assert codes.count(RAISED) >= len(codes) // 2
