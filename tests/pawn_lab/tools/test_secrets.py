"""Whatever a trainer prints or a person writes: no secret is in an answer, and files stay."""

import json

import pytest
from lab_testing import CONFIG, ended

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import launching, notebook
from pawn_lab.tools import TOOLS

SECRET = "hf_abcdefghijklmnopqrstuvwxyz012345"
TOOL = {tool.name: tool for tool in TOOLS}


@pytest.fixture
def lab(open_lab):
    """A lab whose one trial printed a secret, failed with it, and has one in tag and hypothesis."""
    lab = open_lab("gate:fail")
    trial = launching.launch(lab, CONFIG, tags=[SECRET], hypothesis=f"as {SECRET} says")
    paths = lab.paths.trial(trial.id)
    paths.log.parent.mkdir(exist_ok=True)
    with paths.log.open("a", encoding="utf-8") as log:
        log.write(f"login with {SECRET}\nTraceback (most recent call last):\nKeyError: {SECRET}\n")
    (paths.root / "gate").write_text("fail", encoding="utf-8")
    ended(lab, trial.id)
    notebook.append(lab, f"the token is {SECRET}", section="Login")
    return lab


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("lab_log", {"trial_id": 1}),
        ("lab_status", {"trial_id": 1}),
        ("lab_events", {"routine": True}),
        ("lab_notes", {}),
        ("lab_results", {}),
        ("lab_audit", {}),
    ],
)
def test_no_answer_holds_a_secret(lab, tool, arguments):
    answer = json.dumps(TOOL[tool](lab, arguments).wire())
    assert SECRET not in answer
    assert SECRET[:12] not in answer


def test_an_error_that_quotes_a_secret_masks_it(lab):
    with pytest.raises(InvalidRequestError) as refusal:
        TOOL["lab_notes"](lab, {"append": "text", "section": f"{SECRET}\n2"})
    assert "[masked]" in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_files_keep_what_was_written(lab):
    assert SECRET in lab.paths.trial(1).log.read_text(encoding="utf-8")
    assert SECRET in lab.paths.notes.read_text(encoding="utf-8")
