"""lab_tag: further tags for trials, or fewer."""

import pytest
from lab_testing import CONFIG, add_ended_trial

from pawn_core.config import parse_config
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import queries
from pawn_lab.tools.tag import lab_tag


def test_tags_are_added_and_taken_away_and_the_event_says_by_whom_and_what_they_were(open_lab):
    lab = open_lab().called_by("dashboard: Ann")
    trial = add_ended_trial(lab, parse_config(CONFIG).model_dump(mode="json"))
    assert lab_tag(lab, [trial], add=["study", "<b>bold</b>"]).trials[0].tags == [
        "study",
        "<b>bold</b>",
    ]
    assert lab_tag(lab, [trial], add=["kept"], remove=["study", "<b>bold</b>"]).trials[0].tags == [
        "kept"
    ]
    last = queries.events(lab).events[-1]
    assert last.message == "the tags are kept, asked by dashboard: Ann"
    before = {"tags": ["kept"], "before": ["study", "<b>bold</b>"], "by": "dashboard: Ann"}
    assert last.data == before
    with pytest.raises(InvalidRequestError, match="tag '' is not allowed"):
        lab_tag(lab, [trial], add=[""])
    with pytest.raises(InvalidRequestError, match="21 tags are too many"):
        lab_tag(lab, [trial], add=[str(n) for n in range(20)])
