"""What reading tools answer: little, only what is new, and the way to the rest."""

import re

import jsonschema
import pytest
from lab_testing import CONFIG, ended, in_state, open_gate

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, launching, notebook, queries
from pawn_lab.states import State
from pawn_lab.tools import AGENT_TOOLS, TOOLS, tokens
from pawn_lab.tools.check_in import LATEST_S
from pawn_lab.tools.events import lab_events
from pawn_lab.tools.log import lab_log
from pawn_lab.tools.notes import lab_notes
from pawn_lab.tools.questions import LEAST_TOKENS, Reading
from pawn_lab.tools.results import lab_results
from pawn_lab.tools.status import lab_status
from pawn_lab.tools.wait import lab_wait

BY_NAME = {tool.name: tool for tool in TOOLS}
READING = [tool for tool in TOOLS if issubclass(tool.signature.return_annotation, Reading)]
ASKED = {
    "lab_sweep": {"settings": {"config": CONFIG, "space": {"lr": [1e-3, 1e-2]}}, "dry_run": True},
    "lab_log": {"trial_id": 4},
    "lab_diff": {"a": 1, "b": 2},
    "lab_wait": {"trial_ids": [4], "until": "completed"},
}
"""What a tool needs besides."""
WITHOUT_SAME_ANSWER = {"lab_wait"}
"""Waiting again is not asking again: it answers why it is over."""


@pytest.fixture
def lab(study):
    with Lab.open(study) as lab:
        yield lab


def test_what_a_queue_does_by_itself_can_be_left_out_of_the_events(lab):
    whole, news = lab_events(lab), lab_events(lab, routine=False)
    assert [row.kind for row in news.events] == [
        row.kind for row in whole.events if row.kind not in ("queued", "launching", "running")
    ]
    assert news.cursor == whole.cursor
    started = next(row.seq for row in whole.events if row.kind == "running")
    assert lab_events(lab, since=started - 1, limit=1, routine=False).cursor == started
    last = whole.events[-1].seq
    assert lab_events(lab, since=last, routine=False).unchanged
    assert lab_events(lab, max_tokens=50, routine=False).more


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
    assert re.fullmatch(r"\d\d-\d\d \d\d:\d\d:\d\d", event.time)


def test_nothing_new_is_a_short_answer(lab):
    cursor = lab_events(lab, limit=1000).cursor
    answer = lab_events(lab, since=cursor)
    assert answer.wire().keys() == {"unchanged", "next_check_s", "idle"}


def test_the_log_ends_with_how_the_trial_ended(lab):
    answer = lab_log(lab, 4, lines=2)
    assert answer.text.count("\n") == 1
    assert "completed 8 steps" in answer.text
    assert answer.older_lines


def test_a_log_of_long_lines_is_cut_to_what_an_agent_can_read(open_lab):
    lab = open_lab("complete")
    trial = launching.launch(lab, CONFIG)
    ended(lab, trial.id)
    lab.paths.trial(trial.id).log.write_text(("x" * 1500 + "\n") * 100 + "the end\n")
    answer = lab_log(lab, trial.id, lines=100, max_tokens=3000)
    assert tokens.count(answer.wire()) < 3100
    assert answer.left_out.startswith("86 of 100 lines; ")
    assert answer.text.endswith("the end")
    assert answer.older_lines


def test_an_append_does_not_send_the_notes_back(open_lab):
    lab = open_lab()
    appended = lab_notes(lab, append="Chose 1e-3.", section="Phase 1")
    assert appended.notes is None
    assert appended.characters > 0
    assert "Chose 1e-3." in lab_notes(lab, section="Phase 1").notes


def test_every_tool_that_only_reads_takes_a_cursor_and_a_budget():
    assert {tool.name for tool in AGENT_TOOLS if tool.read_only} <= {tool.name for tool in READING}
    assert all({"since", "max_tokens"} <= set(tool.signature.parameters) for tool in READING)


@pytest.mark.parametrize("tool", READING, ids=lambda tool: tool.name)
def test_the_cursor_of_an_answer_is_good_in_another_server_and_nothing_new_is_told_in_few_tokens(
    tool, study_copy
):
    arguments = ASKED.get(tool.name, {})
    with Lab.open(study_copy) as lab:
        first = tool(lab, arguments).wire()
    assert "cursor" in first
    if tool.name in WITHOUT_SAME_ANSWER:
        return
    with Lab.open(study_copy) as lab:
        again = tool(lab, arguments | {"since": first["cursor"]})
    assert again.wire() == {"unchanged": True, "next_check_s": LATEST_S, "idle": again.idle}
    assert tokens.count(again.wire()) <= 30
    assert tokens.count({"unchanged": True, "next_check_s": 900}) <= 15
    assert again.pictures() == []
    jsonschema.validate(again.wire(), tool.output_schema)


@pytest.mark.parametrize("tool", READING, ids=lambda tool: tool.name)
def test_an_answer_in_full_or_unchanged_conforms_to_the_schema(tool, study_copy):
    with Lab.open(study_copy) as lab:
        answer = tool(lab, ASKED.get(tool.name, {})).wire()
    jsonschema.validate(answer, tool.output_schema)
    jsonschema.validate({"unchanged": True, "next_check_s": 5}, tool.output_schema)


@pytest.mark.parametrize(
    "tool", [tool for tool in READING if tool.name != "lab_schema"], ids=lambda tool: tool.name
)
def test_a_small_budget_is_met_and_what_it_names_brings_the_rest(tool, study_copy):
    arguments = ASKED.get(tool.name, {})
    with Lab.open(study_copy) as lab:
        for number in range(8):
            notebook.append(lab, f"note {number} " + "word " * 50, section=f"Part {number}")
        whole = tool(lab, arguments).wire()
        small = tool(lab, arguments | {"max_tokens": LEAST_TOKENS}).wire()
        assert tokens.count(small) < LEAST_TOKENS + 170
        if tool.name in ("lab_events", "lab_wait"):  # another page
            return
        if tokens.count(whole) > 400:
            assert small["left_out"]
        if found := re.search(r"max_tokens=(\d+)", small.get("left_out", "")):
            enough = tool(lab, arguments | {"max_tokens": int(found[1])}).wire()
            assert "left_out" not in enough


def test_only_rows_of_trials_to_which_something_happened_come_again(open_lab):
    lab = open_lab("gate")
    first, second, waiting = (launching.launch(lab, CONFIG).id for _ in range(3))
    in_state(lab, second, State.RUNNING)
    seen = lab_status(lab)
    assert [row.trial_id for row in seen.waiting] == [waiting]
    open_gate(lab, first)
    ended(lab, first)
    in_state(lab, waiting, State.RUNNING)
    news = lab_status(lab, since=seen.cursor)
    assert [row.trial_id for row in news.ended] == [first]
    assert {row.trial_id for row in news.running} == {second, waiting}
    open_gate(lab, second)
    open_gate(lab, waiting)
    ended(lab, second)
    ended(lab, waiting)
    last = lab_status(lab, since=news.cursor)
    assert {row.trial_id for row in last.ended} == {second, waiting}
    assert last.left_out == "rows without news: 1; without since: all"
    results = lab_results(lab, since=queries.events(lab, limit=1000).events[-1].seq)
    assert results.rows == []


def test_a_cursor_of_another_question_counts_as_none(lab):
    narrow = lab_status(lab, tag="mate-boost")
    whole = lab_status(lab, since=narrow.cursor)
    assert whole.ended == lab_status(lab).ended


@pytest.mark.parametrize("since", ["", "x", "-1", -1, 2**63, "1.2", "5.0a1b2c3d4e5", "٣"])
def test_what_is_no_cursor_is_refused_everywhere(lab, since):
    for tool in READING:
        with pytest.raises(InvalidRequestError, match="since"):
            tool(lab, ASKED.get(tool.name, {}) | {"since": since})


@pytest.mark.parametrize("digest", ["", ".abc012345"])
@pytest.mark.parametrize("tool", READING, ids=lambda tool: tool.name)
def test_a_cursor_ahead_of_all_there_is_is_refused_with_the_newest(lab, tool, digest):
    newest = {"lab_log": lab.paths.trial(4).log.stat().st_size, "lab_notes": 0}
    since, last = f"999999{digest}", newest.get(tool.name, queries.latest_event(lab))
    with pytest.raises(
        InvalidRequestError, match=rf"since 999999 is beyond the newest .*, {last}:"
    ):
        tool(lab, ASKED.get(tool.name, {}) | {"since": since})


@pytest.mark.parametrize("until", ["any", "val_loss<3"])
def test_no_wait_begins_at_a_cursor_that_no_event_has_reached(open_lab, until):
    lab = open_lab("gate")
    trial_id = launching.launch(lab, CONFIG).id
    in_state(lab, trial_id, State.RUNNING)
    ahead = queries.latest_event(lab) + 1
    with pytest.raises(InvalidRequestError, match=f"the newest event, {ahead - 1}"):
        lab_wait(lab, until=until, since=ahead, timeout_s=0)
    assert lab_wait(lab, until=until, since=ahead - 1, timeout_s=0).over == "timeout"
    open_gate(lab, trial_id)


def test_a_title_of_no_section_of_the_notes_is_refused_with_those_there_are(open_lab):
    lab = open_lab()
    with pytest.raises(InvalidRequestError, match="newest first: none yet"):
        lab_notes(lab, section="Phase 1")
    lab_notes(lab, append="Chose 1e-3.", section="Phase 1")
    with pytest.raises(InvalidRequestError, match="did you mean 'Phase 1'"):
        lab_notes(lab, section="Phse 1")


def test_a_log_goes_on_where_the_last_answer_ended_with_the_unfinished_line_whole(open_lab):
    lab = open_lab("complete")
    trial = launching.launch(lab, CONFIG)
    ended(lab, trial.id)
    log = lab.paths.trial(trial.id).log
    log.write_text("one\ntwo\n10%")
    first = lab_log(lab, trial.id)
    with log.open("a") as file:
        file.write("\r100%\nthree\n")
    assert lab_log(lab, trial.id, since=first.cursor).text == "100%\nthree"


def test_notes_go_on_behind_the_sections_that_were_read_however_many_were_archived(open_lab):
    lab = open_lab()
    for number in range(12):
        lab_notes(lab, append=f"note {number} " + "x" * 4000)
    cursor = lab_notes(lab).cursor
    lab_notes(lab, append="the newest")
    answer = lab_notes(lab, since=cursor)
    assert "the newest" in answer.notes
    assert "note 11" not in answer.notes
