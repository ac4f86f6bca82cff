"""lab_results: picking the best learning rate of each ablation is one look."""

import pytest
from lab_testing import CONFIG, ended

from pawn_lab.lab import Lab
from pawn_lab.tools.results import lab_results


@pytest.fixture
def lab(study):
    with Lab.open(study) as lab:
        yield lab


def test_rows_are_sorted_by_ablation_and_best_validation_loss(lab):
    rows = lab_results(lab).rows
    order = [(row.ablation, row.best_val_loss) for row in rows]
    assert order == sorted(order)
    assert {row.ablation for row in rows} == {"baseline", "mate_boost=1.0"}


def test_the_best_trial_of_each_ablation_is_marked_and_named(lab):
    answer = lab_results(lab, trial_ids=[1, 2, 3])
    marked = {row.ablation: row.trial_id for row in answer.rows if row.best}
    assert marked == answer.best_trials
    assert len(marked) == 2


def test_each_metric_comes_with_its_step(lab):
    row = next(row for row in lab_results(lab).rows if row.parent == 1)
    assert (row.last_step, row.state) == (8, "completed")
    assert row.best_step in (6, 8)
    assert row.best_val_loss <= row.last_val_loss
    assert 0 <= row.legal_rate <= 1


def test_losses_of_several_ablations_carry_a_warning_and_those_of_one_do_not(lab):
    assert "not across such ablations" in lab_results(lab).note
    assert lab_results(lab, tag="plain").note is None


def test_another_rule_of_learning_is_named_in_its_row(open_lab):
    lab = open_lab("complete")
    for setting in ({"optimizer": "muon"}, {"targets": "legal"}, {}):
        ended(lab, lab.launch(CONFIG | setting).id)
    named = {row.trial_id: row.ablation for row in lab_results(lab).rows}
    assert named == {1: "optimizer=muon", 2: "targets=legal", 3: "baseline"}
