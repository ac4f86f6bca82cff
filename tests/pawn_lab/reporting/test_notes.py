"""Lab notes: appended, dated, within their budget, never lost."""

import re

import pytest

from pawn_lab import errors
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import notes


@pytest.fixture
def paths(tmp_path):
    return WorkspacePaths(tmp_path)


def test_notes_are_empty_at_first(paths):
    assert notes.read(paths) == ""


def test_sections_are_appended_with_their_date(paths):
    notes.append(paths, "lr 1e-3 wins", "Phase 1")
    notes.append(paths, "resumed 3 trials", "Phase 2")
    text = notes.read(paths)
    dated = r"## Phase 1\n_\d{4}-\d\d-\d\d \d\d:\d\d UTC_\n\nlr 1e-3 wins\n\n## Phase 2\n"
    assert re.search(dated, text)
    assert text.startswith("# Lab notes\n")


def test_a_section_is_read_by_its_title(paths):
    notes.append(paths, "first", "A")
    notes.append(paths, "second", "B")
    notes.append(paths, "third", "A")
    section = notes.read(paths, "A")
    assert "first" in section
    assert "third" in section
    assert "second" not in section


def test_old_sections_move_to_the_archive_when_the_budget_is_spent(paths):
    for number in range(20):
        notes.append(paths, f"note {number} " + "x" * 4000, "N")
    kept, archived = paths.notes.read_text(), paths.notes_archive.read_text()
    assert len(kept.encode()) <= notes.BUDGET_BYTES + 100
    assert [f"note {n} " in archived + kept for n in range(20)] == [True] * 20
    assert "note 19 " in kept
    assert "note 0 " in archived


def test_what_a_person_wrote_by_hand_stays(paths):
    paths.notes.write_text("# Lab notes\n\nby hand\n\n## Mine\ntext\n")
    notes.append(paths, "by the lab")
    text = notes.read(paths)
    assert text.index("by hand") < text.index("## Mine\ntext") < text.index("by the lab")


def test_a_reply_stays_within_the_budget_whatever_a_person_wrote(paths):
    paths.notes.write_text("x" * 1_000_000 + "end")
    text = notes.read(paths)
    assert len(text) < notes.BUDGET_BYTES + 100
    assert text.startswith("[older notes left out]\n")
    assert text.endswith("end")


def test_a_heading_inside_a_note_starts_no_section(paths):
    notes.append(paths, "# Big\n## Other\ntext", "A")
    assert "### Other\ntext" in notes.read(paths, "A")


def test_control_codes_are_removed(paths):
    notes.append(paths, "\x1b[31mred\x1b[0m\u202e", "A")
    assert notes.read(paths, "A").endswith("red\n\n")


@pytest.mark.parametrize(
    ("text", "section", "error"),
    [
        ("x" * 9000, None, errors.NotesTooLongError),
        ("  \n", None, errors.InvalidRequestError),
        ("text", "two\nlines", errors.InvalidRequestError),
        ("text", "x" * 101, errors.InvalidRequestError),
    ],
)
def test_a_note_that_does_not_fit_is_refused(paths, text, section, error):
    with pytest.raises(error):
        notes.append(paths, text, section)
    assert not paths.notes.exists()
