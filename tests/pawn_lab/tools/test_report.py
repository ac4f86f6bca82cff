"""lab_report: the study as documents, with what the other tools answer."""

import json
import re

import pytest
from lab_testing import CONFIG, ended

from pawn_core.config import parse_config
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, launching, notebook, queries, storing
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.report import lab_report

EVAL = {
    "run_type": "eval",
    "evals": ["legality"],
    "games": 4,
    "shard_games": 4,
    "device": "cpu",
}


@pytest.fixture
def lab(study_copy):
    with Lab.open(study_copy) as lab:
        yield lab


def written(lab, answer):
    """Return the Markdown without its escapes, and the page."""
    markdown = (lab.paths.root / answer.markdown).read_text()
    return re.sub(r"\\([\\`*_{}\[\]<>#|~.])", r"\1", markdown), (
        lab.paths.root / answer.html
    ).read_text()


def test_a_report_has_the_question_the_hypotheses_the_verdicts_and_the_numbers_of_the_tools(lab):
    notebook.append(lab, "trial 3 surprised us", section="Phase 1")
    answer = lab_report(lab, question="Does boosting help?")
    markdown, _ = written(lab, answer)
    assert "Does boosting help?" in markdown
    assert "Shorter games. (trial 3)" in markdown
    compared = lab_compare(lab)
    assert f"val_loss: {compared.headline}" in markdown
    assert answer.verdicts == [f"val_loss: {compared.headline}"]
    assert "- Phase 1" in markdown
    for trial in queries.trials(lab):
        assert f"\n| {trial.id} |" in markdown


def test_the_page_is_one_file_with_the_curves_inside(lab):
    answer = lab_report(lab)
    _, page = written(lab, answer)
    [data] = re.findall(r'id="pawn-data">(.*?)</script>', page)
    sections = {section["title"]: section["blocks"] for section in json.loads(data)["sections"]}
    [drawn] = sections["Curves"]
    assert {curve["trial"] for curve in drawn["answer"]["curves"]} == {1, 2, 3, 4}
    assert drawn["answer"]["metrics"][0]["name"] == "val_loss"
    assert not re.search(r"(src|href)=\"(?!data:)", page.partition("<body>")[0])


def test_a_study_can_be_repeated_from_the_files_of_its_report(lab):
    answer = lab_report(lab, tag="plain")
    folder = (lab.paths.root / answer.markdown).parent
    markdown, _ = written(lab, answer)
    for number in (1, 2):
        config = json.loads((folder / f"trial-{number}.json").read_text())
        assert parse_config(config).model_dump(mode="json") == dict(
            queries.trial(lab, number).config
        )
        assert f"pawn-lab launch --config trial-{number}.json --tags plain" in markdown
    assert "pawn-lab resume 1 --checkpoint 4 --tags plain" in markdown


def test_evaluations_of_the_trials_stand_side_by_side_those_of_the_baseline_first(lab):
    for number in (2, 3):
        launched = launching.launch(lab, EVAL | {"weights": f"trial:{number}"})
        ended(lab, launched.id)
    answer = lab_report(lab, trial_ids=[2, 4], baseline=3)
    assert answer.evaluations == 2
    markdown, _ = written(lab, answer)
    [header] = re.findall(r"^\| figure \|.*$", markdown, re.M)
    first, second = header.strip("| ").split(" | ")[1:]
    assert first.startswith("baseline: trial:3")
    assert second.startswith("trial:2")
    for number, row in ((2, 1), (3, 0)):
        (evaluation,) = [
            t
            for t in queries.trials(lab)
            if t.config.get("weights", "").startswith(f"trial:{number}")
        ]
        results = json.loads(lab.paths.trial(evaluation.id).results.read_text())
        [legality] = results["evaluations"]
        rate = next(f for f in legality["figures"] if f["name"] == "legal_rate")
        [line] = re.findall(r"^\| legal_rate \| \d.*\[.*$", markdown, re.M)
        assert line.strip("| ").split(" | ")[1 + row].startswith(f"{rate['value']:.4g} [")
        assert results["weights"]["sha256"][:12] in markdown


def test_a_report_says_which_trials_failed_and_why(open_lab):
    lab = open_lab("crash")
    ended(lab, launching.launch(lab, CONFIG).id)
    markdown, _ = written(lab, lab_report(lab))
    assert "trial 1: failed" in markdown


def test_a_tag_of_no_trial_is_refused_and_nothing_is_written(lab):
    with pytest.raises(InvalidRequestError, match="no trial has the tag"):
        lab_report(lab, tag="nobody")
    assert not (lab.paths.root / "reports").exists()


def test_a_tag_that_is_no_file_name_gets_one_and_two_tags_never_share_it(lab):
    storing.tag(lab, [1], add=["../a/b", "..-a-b"])
    one, two = lab_report(lab, tag="../a/b"), lab_report(lab, tag="..-a-b")
    assert one.html != two.html
    for answer in (one, two):
        assert (lab.paths.root / answer.html).resolve().is_relative_to(lab.paths.root / "reports")
