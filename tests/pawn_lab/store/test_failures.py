"""What the disk and SQLite refuse is told in the lab's words, with what to do."""

import errno
from pathlib import Path

import apsw
import pytest

from pawn_lab import errors
from pawn_lab.store.failures import BUSY, DAMAGED, UNUSABLE, translated

DEFECTS = {
    *(apsw.SQLError, apsw.ConstraintError, apsw.MismatchError, apsw.MisuseError, apsw.RangeError),
    *(apsw.TooBigError, apsw.SchemaChangeError, apsw.InternalError, apsw.AbortError),
    *(apsw.InterruptError, apsw.EmptyError, apsw.NotFoundError, apsw.NoFTS5Error),
    *(apsw.BindingsError, apsw.CursorClosedError, apsw.ConnectionClosedError),
    *(apsw.ConnectionNotClosedError, apsw.ExecTraceAbort, apsw.ExecutionCompleteError),
    *(apsw.ExtensionLoadingError, apsw.ForkingViolationError, apsw.IncompleteExecutionError),
    *(apsw.InvalidContextError, apsw.ThreadingViolationError, apsw.VFSFileClosedError),
    apsw.VFSNotImplementedError,
}
"""Errors that only a defect of the lab can cause: they go on as they are."""


def test_every_error_of_sqlite_is_of_a_kind():
    values = (getattr(apsw, name) for name in dir(apsw))
    every = {v for v in values if isinstance(v, type) and issubclass(v, apsw.Error)} - {apsw.Error}
    assert {*BUSY, *DAMAGED, *UNUSABLE} | DEFECTS == every
    assert not {*BUSY, *DAMAGED, *UNUSABLE} & DEFECTS


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (BUSY, errors.StateBusyError),
        (DAMAGED, errors.StateUnreadableError),
        (UNUSABLE, errors.WorkspaceNotWritableError),
    ],
)
def test_an_error_of_sqlite_is_told_in_the_labs_words(tmp_path, kinds, expected):
    for kind in kinds:
        with pytest.raises(expected), translated(tmp_path, tmp_path / "lab.db"):
            raise kind("as SQLite says")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, r"\(the disk is full at exit\.json\); free some space, or name another"),
        (errno.EDQUOT, r"the disk quota is used up.*free some space"),
        (errno.EROFS, r"its file system is read-only.*mount it writable"),
        (errno.EACCES, r"permission denied.*make it writable"),
        (errno.EIO, r"input/output error.*look after the disk"),
    ],
)
def test_an_error_of_the_disk_says_what_to_do(tmp_path, number, words):
    refused = pytest.raises(errors.WorkspaceNotWritableError, match=f"cannot be written.*{words}")
    with refused as said, translated(tmp_path):
        raise OSError(number, "as the system says", str(tmp_path / "exit.json"))
    assert "\n" not in str(said.value)


def test_a_file_that_is_merely_absent_is_no_matter_of_the_disk(tmp_path):
    with pytest.raises(IsADirectoryError), translated(tmp_path):
        Path(tmp_path).read_bytes()
