"""Directories that take each other's place."""

import errno

import pytest

from pawn_core import durable


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
