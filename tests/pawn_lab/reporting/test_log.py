"""Log excerpts: the end of the file, whatever its size, fit to be shown."""

import json
import subprocess
import sys
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


def numbered(path, count, **changed):
    lines = [changed.get(f"n{n}", f"line {n}") for n in range(count)]
    path.write_text("\n".join(lines) + "\n")


def test_lines_around_a_match_come_with_it_and_gaps_are_shown(path):
    numbered(path, 100, n20="ERROR one", n24="error two", n60="Error three")
    found = excerpt(path, 50, "error", around=2)
    assert found.lines == [
        *("line 18", "line 19", "ERROR one", "line 21", "line 22"),
        *("line 23", "error two", "line 25", "line 26", log.GAP),
        *("line 58", "line 59", "Error three", "line 61", "line 62"),
    ]
    assert not found.truncated
    newest = excerpt(path, 3, "error", around=2)
    assert newest.lines == ["Error three", "line 61", "line 62"]
    assert newest.truncated


@given(
    matches=st.sets(st.integers(0, 400), max_size=6),
    around=st.integers(0, 5),
    width=st.sampled_from([1, 800]),
)
def test_lines_around_matches_are_those_of_a_plain_search_whatever_the_blocks(
    tmp_path_factory, matches, around, width
):
    """A line of 800 characters fills the blocks in which the log is read."""
    path = tmp_path_factory.mktemp("log") / "trainer.log"
    lines = [("needle " if n in matches else "hay ") + str(n) + "x" * width for n in range(401)]
    path.write_text("\n".join(lines))
    near = {n + d for n in matches for d in range(-around, around + 1)}
    found = [line for line in excerpt(path, 1000, "needle", around).lines if line != log.GAP]
    assert found == [line for n, line in enumerate(lines) if n in near]


def test_only_lines_after_a_position_are_read_the_unfinished_one_whole(path):
    path.write_text("one\ntwo\nthr")
    size = path.stat().st_size
    with path.open("a") as file:
        file.write("ee\nfour\n")
    assert excerpt(path, 10, since=size).lines == ["three", "four"]
    assert excerpt(path, 10, "o", since=size).lines == ["four"]
    assert excerpt(path, 10, since=10**9).lines == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    "split", ["nee\x1b[1mdle", "nee\x1b[?25ldle", "nee\x08dle", "nee\u200bdle"]
)
def test_a_match_is_found_though_control_codes_split_it(path, split):
    path.write_text("hay\n" * 50_000 + split + "\n" + "hay\n" * 50_000)
    assert excerpt(path, 5, "NEEDLE").lines == ["needle"]


@pytest.mark.parametrize("around", [-1, 51])
def test_lines_around_out_of_range_are_refused(around):
    with pytest.raises(errors.InvalidRequestError, match=f"around {around} is not allowed"):
        log.Wanted(1, "x", around)


def child_reading(path, arguments):
    """Read in a process of its own; return its milliseconds of CPU, extra bytes, and lines."""
    code = f"""
import json, resource, time
from pathlib import Path
from pawn_lab.reporting import log
wanted, path = log.Wanted({arguments}), Path({str(path)!r})
log.excerpt(1, path.parent / "small", wanted)
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
lines = log.excerpt(1, path, wanted).lines
spent, after = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([1e3 * spent, 1024 * (after - before), lines]))
"""
    (path.parent / "small").write_text("warm\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def gigabyte(tmp_path_factory):
    """A log of a gigabyte of real lines, progress bars among them; gone after the tests."""
    path = tmp_path_factory.mktemp("gigabyte") / "trainer.log"
    line = b"\x1b[32mstep %06d\x1b[0m loss 3.1\r100%% step %06d\n"
    block = b"".join(line % (n, n) for n in range(25_000))
    with path.open("wb") as file:
        while file.tell() < 1 << 30:
            file.write(block)
        file.write(b"Traceback: the end\n")
    yield path
    path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ["50", "50, 'traceback', 10"])
def test_fifty_lines_of_a_gigabyte_take_10_mb(gigabyte, arguments):
    milliseconds, extra, lines = child_reading(gigabyte, arguments)
    print(f"{arguments}: {milliseconds:.1f} ms of processor time, {extra / 1e6:.1f} MB")
    assert lines[-1] == "Traceback: the end"
    assert lines[-2] == "100% step 024999"
    assert len(lines) == (50 if arguments == "50" else 11)
    assert extra <= 10e6


@pytest.mark.slow
def test_one_line_of_100_mb_is_shown_by_its_end(tmp_path):
    path = tmp_path / "trainer.log"
    path.write_bytes(b"before\n" + b"x" * 100_000_000 + b"\nafter\n")
    milliseconds, extra, lines = child_reading(path, "50")
    assert lines[-1] == "after"
    print(f"100 MB line: {milliseconds:.1f} ms of processor time, {extra / 1e6:.1f} MB")
    assert len(lines[-2]) < 2100
    assert extra <= 10e6
