"""Weights from elsewhere enter a lab as a trial, with the real trainer, and serve as a baseline."""

import json
from pathlib import Path

import numpy as np
import pytest
from lab_testing import ended
from published import published_tensors
from safetensors.numpy import load_file, save_file

from pawn_core.checkpoint.manifest import file_sha256, verify
from pawn_core.weights.export import export_run
from pawn_lab.errors import InvalidRequestError, TrialStateError
from pawn_lab.lab import Lab, launching, queries, resuming
from pawn_lab.records import Trial
from pawn_lab.states import State
from pawn_lab.tools.audit import lab_audit
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.importing import lab_import
from pawn_lab.tools.launch import lab_launch
from pawn_lab.tools.plot import lab_plot
from pawn_lab.tools.report import lab_report
from pawn_lab.tools.results import lab_results
from pawn_lab.tools.status import lab_status

EVAL = {"run_type": "eval", "games": 4, "shard_games": 2, "max_ply": 20, "device": "cpu"}


@pytest.fixture
def lab(study_copy):
    with Lab.open(study_copy) as lab:
        yield lab


def imported(lab: Lab, weights: Path, *tags: str) -> Trial:
    launched = lab_import(lab, str(weights), tags=[*tags], hypothesis="It is hard to beat.")
    return ended(lab, launched.trial_id)


def test_an_exported_model_is_imported_evaluated_and_a_reports_baseline(lab, tmp_path):
    exported = tmp_path / "exported"
    export_run(lab.paths.trial(3).run, exported, "boosted", "mit")
    trial = imported(lab, exported, "imported")
    assert (trial.state, trial.exit.step) == (State.COMPLETED, 1)
    paths = lab.paths.trial(trial.id)
    checkpoint = verify(paths.checkpoints / "step_00000001").path
    ours, theirs = (load_file(f / "model.safetensors") for f in (checkpoint, exported))
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    first = json.loads(paths.metrics.read_text().partition("\n")[0])
    assert first["weights"]["sha256"] == file_sha256(exported / "model.safetensors")
    assert first["model"]["vocabulary"] == "searchless"
    for weights, tags in ((f"trial:{trial.id}", []), ("trial:4@best", ["plain"])):
        evaluation = launching.launch(lab, EVAL | {"weights": weights}, tags=tags)
        assert ended(lab, evaluation.id).state == State.COMPLETED
    assert queries.trial(lab, trial.id + 1).config["weights"] == f"trial:{trial.id}@1"
    report = lab_report(lab, tag="plain", baseline=trial.id)
    text = (lab.paths.root / report.markdown).read_text().replace("\\_", "_")
    assert f"baseline: trial:{trial.id}@1 ({exported})" in text
    assert report.evaluations == 2


def test_the_same_weights_are_imported_once_and_changed_ones_again(lab, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(published_tensors(64, 2, 256, "coordinate"), file)
    first = imported(lab, file)
    again = lab_import(lab, str(file), tags=["old"])
    assert (again.trial_id, again.repeated) == (first.id, [first.id])
    assert queries.trial(lab, first.id).tags == ["old"]
    (record,) = [
        record
        for line in lab.paths.trial(first.id).metrics.read_text().splitlines()
        if (record := json.loads(line))["type"] == "config"
    ]
    assert record["model"]["vocabulary"] == "coordinate"
    other = {n: 2 * t for n, t in published_tensors(64, 2, 256, "coordinate").items()}
    save_file(other, file)
    assert lab_import(lab, str(file)).repeated is None


def test_damaged_weights_fail_with_the_reason_and_leave_no_checkpoint(lab, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(published_tensors(64, 2, 256, "searchless"), file)
    file.write_bytes(file.read_bytes()[:-4])
    trial = imported(lab, file)
    assert trial.state == State.FAILED
    assert "its header says" in trial.exit.message
    assert not lab.paths.trial(trial.id).checkpoints.exists()
    with pytest.raises(InvalidRequestError, match=r"'nothing' do not exist; allowed: a Hugging"):
        lab_import(lab, "nothing")


def test_what_has_no_value_is_listed_left_out_with_a_reason_and_not_resumed(lab, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(published_tensors(64, 2, 256, "searchless"), file)
    number = imported(lab, file, "plain").id
    reason = f"{number}: run_type 'import' measures nothing"
    before = lab_results(lab, trial_ids=[1, 2, 3, 4])
    results = lab_results(lab)
    assert (results.rows, results.best_trials) == (before.rows, before.best_trials)
    assert results.without == {"completed": [number]}
    assert reason in results.note
    assert f"left out, {reason}" in "; ".join(lab_compare(lab, tag="plain", factor="lr").notes)
    assert reason in lab_plot(lab, tag="plain").note
    for ask in (lab_plot, lab_compare):
        with pytest.raises(InvalidRequestError, match=reason):
            ask(lab, trial_ids=[number])
    assert lab_results(lab, trial_ids=[number], metric="kl").rows == []
    with pytest.raises(TrialStateError, match="leaves nothing to go on with"):
        resuming.resume(lab, number)
    assert number not in {row.trial_id for row in lab_audit(lab).findings or []}
    assert lab_status(lab, trial_id=number).detail.exit["reason"] == "completed"


def test_the_best_weights_of_an_import_are_its_only_ones(lab, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(published_tensors(64, 2, 256, "searchless"), file)
    number = imported(lab, file).id
    planned = lab_launch(lab, EVAL | {"weights": f"trial:{number}@best"}, dry_run=True)
    assert planned.plan.config["weights"] == f"trial:{number}@1"
