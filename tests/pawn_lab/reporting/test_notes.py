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


def test_a_section_is_read_from_the_archive_too(paths):
    for number in range(20):
        notes.append(paths, f"note {number} " + "x" * 4000, f"N{number}")
    assert "note 0 " in paths.notes_archive.read_text(encoding="utf-8")
    assert "note 0 " in notes.read(paths, "N0")
    assert [part.title for part in notes.written(paths).sections] == [f"N{n}" for n in range(20)]


def test_a_compaction_takes_the_place_of_the_one_before_and_moves_no_note(paths):
    notes.append(paths, "chosen lr 1e-3 " + "x" * 6000, "Phase 1")
    for number in range(10):
        notes.keep_compaction(paths, f"summary {number} " + "y" * 15_000 + f" next {number}")
        notes.append(paths, f"after {number}", "Check")
    text = notes.read(paths)
    assert not paths.notes_archive.exists()
    assert "chosen lr 1e-3" in text
    assert re.findall(r"summary \d|next \d", text) == ["summary 9", "next 9"]
    assert text.index("after 9") < text.index("summary 9")
    assert len(notes.written(paths).compaction.encode()) < notes.MOST_SECTION_BYTES + 100


def test_summaries_in_several_parts_as_they_once_were_make_room_for_notes(paths):
    parts = "".join(f"## Compaction summary ({n} of 3)\nold {n}\n\n" for n in (1, 2, 3))
    paths.notes.write_text(f"# Lab notes\n\n{parts}## Lab at compaction\nstate\n\n## Mine\nkept\n")
    notes.append(paths, "more", "Next")
    assert [part.title for part in notes.written(paths).sections] == ["Mine", "Next"]
    assert "old 1" in paths.notes_archive.read_text(encoding="utf-8")


def test_a_title_that_the_next_compaction_would_replace_is_refused(paths):
    with pytest.raises(errors.InvalidRequestError, match="Compaction summary"):
        notes.append(paths, "text", "Compaction summary")


def test_bytes_that_are_no_text_are_shown_as_damaged_and_kept_as_they_are(paths):
    paths.notes.write_bytes(b"# Lab notes\n\n## Mine\ngr\xf6\xdfer\n")
    notes.append(paths, "größer, 日本 \ud83d", "Next")
    assert b"gr\xf6\xdfer" in paths.notes.read_bytes()
    assert "gr\ufffd\ufffder" in notes.read(paths)
    assert "größer, 日本 \ufffd" in notes.read(paths)


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
