"""Files that are replaced in one step, and directories that take each other's place."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pawn_core import durable
from pawn_core.durable import make_directory


@pytest.fixture
def two(tmp_path):
    """Two directories, each with a file of its own name."""
    paths = [tmp_path / name for name in ("one", "other")]
    for path in paths:
        path.mkdir()
        (path / path.name).touch()
    return paths


@pytest.mark.parametrize("unsupported", [None, errno.ENOSYS, errno.EINVAL])
def test_directories_are_exchanged_where_the_file_system_can_and_where_it_cannot(
    two, monkeypatch, unsupported
):
    one, other = two
    if unsupported is not None:
        monkeypatch.setattr(durable, "_exchange", lambda *_: unsupported)
    durable.exchange(one, other)
    assert (one / "other").exists()
    assert (other / "one").exists()
    assert len(list(one.parent.iterdir())) == 2


@pytest.mark.parametrize("unsupported", [None, errno.ENOSYS])
def test_an_exchange_with_nothing_raises_and_changes_nothing(two, monkeypatch, unsupported):
    one, other = two
    if unsupported is not None:
        monkeypatch.setattr(durable, "_exchange", lambda *_: unsupported)
    with pytest.raises(OSError, match="No such file"):
        durable.exchange(one.parent / "nothing", other)
    assert (other / "other").exists()
    assert len(list(one.parent.iterdir())) == 2


def test_a_file_replaced_from_many_threads_at_once_is_whole_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "document"
    contents = [bytes([number]) * 4096 for number in range(64)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda data: durable.replace_file(path, data), contents))
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_another_process_makes_meanwhile_is_one(tmp_path, monkeypatch):
    folder, is_dir = tmp_path / "new", Path.is_dir

    def made_just_after_the_look(path: Path) -> bool:
        found = is_dir(path)
        if path == folder and not found:
            path.mkdir()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Path, "is_dir", made_just_after_the_look)
        make_directory(folder)
    assert folder.is_dir()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_way_of_a_directory_is_told(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file"):
        make_directory(tmp_path / name)
