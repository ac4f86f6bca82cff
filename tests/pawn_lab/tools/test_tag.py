"""lab_tag: other tags in place of those a trial has."""

import pytest
from lab_testing import CONFIG, add_ended_trial

from pawn_core.config import parse_config
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import queries
from pawn_lab.tools.tag import lab_tag


def test_a_trial_takes_other_tags_and_the_event_says_who_asked_and_what_they_were(open_lab):
    lab = open_lab().called_by("dashboard: Ann")
    trial = add_ended_trial(lab, parse_config(CONFIG).model_dump(mode="json"))
    assert lab_tag(lab, trial, ["study", "<b>bold</b>"]).tags == ["study", "<b>bold</b>"]
    assert lab_tag(lab, trial, []).tags is None
    last = queries.events(lab).events[-1]
    assert last.message == "the tags are none, asked by dashboard: Ann"
    before = {"tags": [], "before": ["study", "<b>bold</b>"], "by": "dashboard: Ann"}
    assert last.data == before
    with pytest.raises(InvalidRequestError, match="tag '' is not allowed"):
        lab_tag(lab, trial, [""])
