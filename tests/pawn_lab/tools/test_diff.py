"""lab_diff: what changed between two trials, and nothing else."""

import json

import pytest
from lab_testing import CONFIG, open_gate

from pawn_lab.errors import InvalidRequestError, UnknownTrialError
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.tools.diff import lab_diff


@pytest.fixture
def lab(study_copy):
    with Lab.open(study_copy) as lab:
        yield lab


def test_one_changed_setting_is_the_only_one_told(lab):
    answer = lab_diff(lab, 1, 2)
    assert answer.settings == {"lr": [1e-3, 1e-5]}
    assert (answer.training_games, answer.validation_games) == ("the same", "the same")
    assert answer.incidental is None


def test_other_games_are_named_by_the_field_that_makes_them(lab):
    answer = lab_diff(lab, 1, 3)
    assert answer.settings == {"lr": [1e-3, 3e-4], "mate_boost": [0.0, 1.0]}
    assert answer.incidental == {"pause_after_steps": [4, None]}
    assert (answer.training_games, answer.validation_games) == ("mate_boost", "mate_boost")
    assert answer.state == ["paused", "completed"]


def test_results_stand_side_by_side_at_the_last_common_step(lab):
    rows = {row.metric: row for row in lab_diff(lab, 1, 3).results}
    loss = rows["val_loss"]
    assert loss.step == 4
    assert loss.difference == pytest.approx(loss.b - loss.a, abs=1e-3)
    assert loss.a == pytest.approx(queries.results(lab, [1])[0].last.metrics["val_loss"], rel=1e-3)


def test_other_code_packages_and_machines_are_told(lab):
    file = lab.paths.trial(2).provenance
    record = json.loads(file.read_text())
    packages = record["packages"] | {"torch": "1.0"}
    file.write_text(json.dumps(record | {"dirty_patch_sha256": "f" * 64, "packages": packages}))
    answer = lab_diff(lab, 1, 2)
    assert answer.provenance["torch"] == [record["packages"]["torch"], "1.0"]
    assert answer.provenance["dirty_patch"][1] == "f" * 12
    assert any("dirty.patch" in note for note in answer.notes)


def test_a_continuation_is_named(lab):
    assert "4 continues 1 from step 4" in lab_diff(lab, 1, 4).notes


def test_a_trial_that_has_not_started_has_no_provenance_and_no_results(open_lab):
    lab = open_lab("gate")
    for seed in range(3):
        launching.launch(lab, CONFIG | {"seed": seed})
    answer = lab_diff(lab, 1, 3)
    assert answer.settings == {"seed": [0, 2], "data_seed": [0, 2]}
    assert (answer.provenance, answer.results) == (None, [])
    assert answer.notes == ["provenance: a trial that has not started has none"]
    for trial_id in (1, 2):
        open_gate(lab, trial_id)


def test_one_trial_or_an_unknown_one_is_refused(lab):
    with pytest.raises(InvalidRequestError, match="both 1"):
        lab_diff(lab, 1, 1)
    with pytest.raises(UnknownTrialError, match="trial 9 does not exist"):
        lab_diff(lab, 1, 9)
