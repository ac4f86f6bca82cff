"""lab_events, lab_log and lab_notes: small answers that lead on to the next call."""

import pytest
from lab_testing import CONFIG, ended

from pawn_lab.lab import Lab
from pawn_lab.tools.events import lab_events
from pawn_lab.tools.log import MOST_CHARACTERS, lab_log
from pawn_lab.tools.notes import lab_notes


@pytest.fixture
def lab(study):
    with Lab.open(study) as lab:
        yield lab


def test_pages_of_events_follow_each_other_without_gap_or_repetition(lab):
    seen, cursor, more = [], 0, True
    while more:
        page = lab_events(lab, since=cursor, limit=4)
        seen += [event.seq for event in page.events]
        cursor, more = page.cursor, page.more
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 8


def test_an_event_says_when_which_trial_and_what(lab):
    event = lab_events(lab).events[-1]
    assert (event.trial_id, event.kind, event.message) == (4, "completed", "completed 8 steps")
    assert event.time.endswith("Z")


def test_nothing_new_is_a_short_answer(lab):
    cursor = lab_events(lab, limit=1000).cursor
    answer = lab_events(lab, since=cursor)
    assert answer.wire() == {"events": [], "cursor": cursor, "more": False}


def test_the_log_ends_with_how_the_trial_ended(lab):
    answer = lab_log(lab, 4, lines=2)
    assert answer.text.count("\n") == 1
    assert "completed 8 steps" in answer.text
    assert answer.older_lines


def test_a_log_of_long_lines_is_cut_to_what_an_agent_can_read(open_lab):
    lab = open_lab("complete")
    trial = lab.launch(CONFIG)
    ended(lab, trial.id)
    lab.paths.trial(trial.id).log.write_text(("x" * 1500 + "\n") * 100 + "the end\n")
    answer = lab_log(lab, trial.id, lines=100)
    assert len(answer.text) < MOST_CHARACTERS + 100
    assert answer.text.endswith("the end")
    assert answer.older_lines


def test_an_append_does_not_send_the_notes_back(open_lab):
    lab = open_lab()
    appended = lab_notes(lab, append="Chose 1e-3.", section="Phase 1")
    assert appended.notes is None
    assert appended.characters > 0
    assert "Chose 1e-3." in lab_notes(lab, section="Phase 1").notes
