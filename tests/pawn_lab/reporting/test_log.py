"""Log excerpts: the end of the file, whatever its size, fit to be shown."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawn_lab import errors, text
from pawn_lab.reporting import log

NOISY = {
    "colour": ("\x1b[31mred\x1b[0m", "red"),
    "progress bar": ("10%\r50%\r100%", "100%"),
    "progress bar ended by a return": ("10%\r100%\r", "100%"),
    "title": ("\x1b]0;title\x07text", "text"),
    "link": ("\x1b]8;;http://x\x1b\\name\x1b]8;;\x1b\\", "name"),
    "bell and backspace": ("a\x07b\x08c", "abc"),
    "right-to-left override": ("abc\u202edef", "abcdef"),
    "zero width": ("a\u200bb", "ab"),
    "8-bit control": ("a\x9bb", "ab"),
    "unfinished escape": ("a\x1b", "a"),
}


@pytest.mark.parametrize("name", NOISY)
def test_control_codes_are_removed(name):
    noisy, shown = NOISY[name]
    assert text.clean_line(noisy) == shown


@given(st.text())
def test_no_control_code_survives(noisy):
    cleaned = text.clean(noisy)
    assert not [c for c in cleaned if c not in "\t\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    assert text.clean(cleaned) == cleaned


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trainer.log"


def excerpt(path, lines, grep="", around=0, since=0):
    return log.excerpt(1, path, log.Wanted(lines, grep, around, since))


def test_the_last_lines_are_returned_in_order(path):
    path.write_text("".join(f"line {n}\n" for n in range(100)))
    found = excerpt(path, 3)
    assert found.lines == ["line 97", "line 98", "line 99"]
    assert found.truncated


def test_a_whole_log_is_not_called_truncated(path):
    path.write_text("one\n\ntwo")
    found = excerpt(path, 2)
    assert (found.lines, found.truncated) == (["one", "two"], False)


def test_a_missing_log_is_empty(path):
    assert excerpt(path, 5).lines == []


def test_grep_finds_plain_text_in_any_case(path):
    path.write_text("".join(f"step {n} loss\n" for n in range(50)) + "a.c\nabc\n")
    assert excerpt(path, 5, "STEP 7 ").lines == ["step 7 loss"]
    assert excerpt(path, 5, "a.c").lines == ["a.c"]


def test_lines_that_cross_blocks_are_whole(path):
    lines = [f"{n} " + "x" * 1500 for n in range(200)]
    path.write_text("\n".join(lines))
    assert excerpt(path, 200).lines == lines


def test_a_long_line_is_cut_and_says_so(path):
    path.write_text("x" * 5000)
    (line,) = excerpt(path, 1).lines
    assert line == "x" * 2000 + "... [3000 more characters]"


@pytest.mark.parametrize("lines", [0, -1, 1001])
def test_a_number_of_lines_out_of_range_is_refused(lines):
    with pytest.raises(errors.InvalidRequestError, match=f"lines {lines} is not allowed: 1 to"):
        log.Wanted(lines)


@pytest.mark.parametrize("content", ["gigabyte", "one line of 100 MB"])
def test_a_huge_log_is_read_only_at_its_end(path, content):
    """Memory stands for the bytes that were read: sparse files make the size free."""
    with path.open("wb") as file:
        file.truncate(1 << 30 if content == "gigabyte" else 100_000_000)
        file.seek(0, 2)
        file.write(b"\n".join(b"line %d" % n for n in range(100)) if content == "gigabyte" else b"")
    tracemalloc.start()
    found = excerpt(path, 50)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6
    if content == "gigabyte":
        assert found.lines[-1] == "line 99"
        assert len(found.lines) == 50
