"""The view of the lab notes: sections, the newest first, found by their words."""

import pytest

from pawn_lab.lab import Lab, notebook
from pawn_lab.reporting import notes
from pawn_lab.views import answered


@pytest.fixture
def lab(tmp_path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


def test_notes_are_shown_newest_first_with_when_and_the_trials_they_name(lab):
    notebook.append(lab, "Trial 3 beats trials 4 and 5.", "Rates")
    notebook.append(lab, "<script>alert(1)</script>")
    text = lab.paths.notes.read_text()
    lab.paths.notes.write_text(text.replace("notes\n", "notes\nBy hand, before any heading.\n", 1))
    newest, rates, by_hand = answered(lab, "notes", {})["sections"]
    assert (newest["title"], newest["text"]) == ("Note", "<script>alert(1)</script>")
    assert (rates["title"], rates["text"]) == ("Rates", "Trial 3 beats trials 4 and 5.")
    assert rates["trials"] == [3, 4, 5]
    assert rates["written"].endswith(" UTC")
    assert (by_hand["written"], by_hand["text"]) == (None, "By hand, before any heading.")


def test_a_search_finds_the_sections_that_hold_every_word(lab):
    for text in ("muon at 0.1", "Muon at 0.2 diverges", "adamw at 0.2"):
        notebook.append(lab, text)
    answer = answered(lab, "notes", {"q": "0.2 muon"})
    assert [section["text"] for section in answer["sections"]] == ["Muon at 0.2 diverges"]
    assert (answer["found"], answer["count"]) == (1, 3)
    assert answered(lab, "notes", {"most": "1"})["sections"][0]["text"] == "adamw at 0.2"


def test_what_has_moved_to_the_archive_is_shown_as_such_and_a_compaction_apart(lab):
    for _ in range(6):
        notebook.append(lab, "x" * 7000)
    notes.keep_compaction(lab.paths, "What I was doing.")
    answer = answered(lab, "notes", {})
    assert [section["archived"] for section in answer["sections"]] == 4 * [False] + 2 * [True]
    assert "What I was doing." in answer["compaction"]
