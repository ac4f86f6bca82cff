"""A filter that leaves no trial is refused by everything that filters: nothing is no all clear."""

import pytest

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.tools import TOOLS

BY_NAME = {tool.name: tool for tool in TOOLS}
FILTERED = [
    (tool.name, argument)
    for tool in TOOLS
    for argument in ("tag", "trial_ids")
    if argument in tool.signature.parameters
]
NO_TAGS = ["", " ", "null", "none", "Plain", "plian", "plain ", "mate_boost", "*"]


@pytest.fixture
def lab(study):
    with Lab.open(study) as lab:
        yield lab


def test_every_tool_that_filters_is_among_those_tested():
    assert set(FILTERED) >= {
        (name, argument)
        for name in ("lab_audit", "lab_results", "lab_compare", "lab_plot")
        for argument in ("tag", "trial_ids")
    } | {("lab_status", "tag"), ("lab_wait", "trial_ids")}


@pytest.mark.parametrize("tool", [name for name, argument in FILTERED if argument == "tag"])
@pytest.mark.parametrize("tag", NO_TAGS)
def test_a_tag_that_no_trial_has_is_refused_with_the_tags_there_are(lab, tool, tag):
    with pytest.raises(InvalidRequestError) as refused:
        BY_NAME[tool](lab, {"tag": tag})
    assert str(refused.value).startswith(f"no trial has the tag {tag!r}")
    assert "tags: 'plain', 'mate-boost'" in str(refused.value)


@pytest.mark.parametrize("tool", [name for name, argument in FILTERED if argument == "trial_ids"])
@pytest.mark.parametrize("trial_ids", [[], "[]"])
def test_an_empty_list_of_trials_is_refused(lab, tool, trial_ids):
    with pytest.raises(InvalidRequestError, match=r"trial_ids \[\] names no trial"):
        BY_NAME[tool](lab, {"trial_ids": trial_ids})


def test_a_misspelt_tag_names_the_nearest(lab):
    with pytest.raises(InvalidRequestError, match="did you mean 'mate-boost'"):
        queries.selected(lab, tag="mate_boost")


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("lab_results", {"trial_ids": [1, 2], "tag": "mate-boost"}, "on none of the trials 1, 2"),
        ("lab_audit", {"trial_ids": [3], "tag": "plain"}, "on none of the trials 3"),
        ("lab_status", {"trial_id": 3, "tag": "plain"}, "on none of the trials 3"),
        ("lab_results", {"tag": "mate-boost", "lineage": 1}, "lineage 1 is of none of these"),
        ("lab_results", {"tag": "plain", "ablation": ""}, "ablation '' is of none of these"),
        ("lab_compare", {"factor": ""}, "factor '' is no config field"),
    ],
)
def test_filters_that_together_leave_nothing_are_refused(lab, tool, arguments, message):
    with pytest.raises(InvalidRequestError, match=message):
        BY_NAME[tool](lab, arguments)


def test_numbers_and_a_tag_that_have_a_trial_in_common_select_it_once(lab):
    assert [trial.id for trial in queries.selected(lab, [3, 2, 2], "plain")] == [2]
    assert [result.id for result in queries.results(lab, [2, 2])] == [2]


def test_of_many_tags_the_newest_are_named(open_lab):
    lab = open_lab("gate")
    for number in range(3):
        launching.launch(
            lab,
            {"variant": "toy", "local_checkpoints": True, "seed": number},
            tags=[f"tag {n}" for n in range(10 * number, 10 * number + 10)],
        )
    with pytest.raises(InvalidRequestError, match=r"tags: 'tag 29', .*'tag 10', and 10 more;"):
        queries.glance(lab, tag="other")


def test_a_lab_without_trials_says_that_there_are_no_tags(open_lab):
    with pytest.raises(InvalidRequestError, match="tags: none yet"):
        queries.selected(open_lab(), tag="a")
