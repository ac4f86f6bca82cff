"""lab_results: picking the best learning rate of each ablation is one look."""

import pytest
from lab_testing import CONFIG, add_measured_trial, ended, in_state, open_gate

from pawn_lab.analysis.curves import evaluations
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, launching, resuming, spending
from pawn_lab.states import State
from pawn_lab.tools.results import lab_results


@pytest.fixture
def lab(study):
    with Lab.open(study) as lab:
        yield lab


def test_rows_are_sorted_by_ablation_and_best_validation_loss(lab):
    rows = lab_results(lab).rows
    order = [(row.ablation, row.best_value) for row in rows]
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
    assert row.best_value <= row.last_value
    assert 0 <= row.beside["legal_rate"] <= 1


def test_losses_of_several_ablations_carry_a_warning_and_those_of_one_do_not(lab):
    assert "not across such ablations" in lab_results(lab).note
    assert lab_results(lab, tag="plain").note is None


def test_another_rule_of_learning_is_named_in_its_row(open_lab):
    lab = open_lab()
    for setting in ({"optimizer": "muon"}, {"targets": "legal"}, {}):
        add_measured_trial(lab, [2.0], **setting)
    named = {row.trial_id: row.ablation for row in lab_results(lab).rows}
    assert named == {1: "optimizer=muon", 2: "targets=legal", 3: "baseline"}


def test_rows_can_be_those_of_an_ablation_or_of_a_lineage(lab):
    assert {row.trial_id for row in lab_results(lab, ablation="mate_boost=1.0").rows} == {3}
    for trial_id in (1, 4):
        assert {row.trial_id for row in lab_results(lab, lineage=trial_id).rows} == {1, 4}
    with pytest.raises(InvalidRequestError, match="its own: 1, 4"):
        lab_results(lab, lineage=1, trial_ids=[2, 3])
    with pytest.raises(InvalidRequestError, match=r"did you mean 'mate_boost=1\.0'"):
        lab_results(lab, ablation="mate_boost=1")


def test_the_front_is_of_one_evaluation_set_and_counts_what_was_continued(lab):
    fronts = lab_results(lab, front="hours").fronts
    by_front = {}
    for row in fronts:
        by_front.setdefault(row.front, []).append(row)
    assert [row.trial_id for row in fronts if row.trial_id == 3] == [3]
    plain = next(rows for rows in by_front.values() if rows[0].trial_id != 3)
    assert plain[-1].trial_id == 4
    best = next(row.best_step for row in lab_results(lab).rows if row.trial_id == 4)
    continued, own = hours_at(lab, 1, 4), hours_at(lab, 4, best)
    assert min(continued, own) > 0
    assert plain[-1].price == pytest.approx(continued + own, rel=1e-3)


def hours_at(lab, trial_id, step):
    """Return the device-hours a trial had taken as it recorded its evaluation of a step."""
    record = next(r for r in evaluations(lab, trial_id) if r["step"] == step)
    return spending.spent(lab, trial_id, [record["time"]])[0].hours


def test_the_front_against_parameters_keeps_the_better_of_equal_models(lab):
    fronts = lab_results(lab, tag="plain", front="parameters", metric="kl").fronts
    assert [row.trial_id for row in fronts] == [4]


def test_the_next_rate_comes_from_trials_that_differ_in_nothing_else(open_lab):
    lab = open_lab()
    for lr, loss in ((1e-5, 3.0), (1e-4, 2.0)):
        add_measured_trial(lab, [loss] * 10, lr=lr)
    add_measured_trial(lab, [1.0] * 10, lr=1e-3, mate_boost=1.0)
    [point] = lab_results(lab).next_points
    assert (point.trial_ids, point.lr) == ([1, 2], pytest.approx(1e-3))
    assert point.why == "the best, 0.0001, is the highest tried, at step 1000, one seed"


EXPLORED = CONFIG | {"pause_after_steps": 500}


@pytest.fixture
def explored(open_lab):
    """A lab of two rates tagged and explored, and a better one of another tag, which goes on."""
    lab = open_lab("gate:study")
    for lr, tag in ((1e-4, "a"), (3e-4, "a"), (1e-3, "b")):
        trial = launching.launch(lab, EXPLORED | {"lr": lr}, tags=[tag])
        open_gate(lab, trial.id)
        ended(lab, trial.id)
    in_state(lab, resuming.resume(lab, 3).id, State.RUNNING)
    yield lab
    open_gate(lab, 4)


def test_a_next_rate_reckons_with_the_best_one_after_it_was_resumed(explored):
    for selection in ({}, {"tag": "a"}, {"trial_ids": [1, 2, 4]}):
        [point] = lab_results(explored, **selection).next_points
        assert point.trial_ids == [1, 2, 3]
        assert point.why == "the best, 0.001, is the highest tried, at step 500, one seed"


def test_what_a_trial_has_shown_since_it_was_resumed_counts_for_its_rate(explored):
    open_gate(explored, 4)
    ended(explored, 4)
    [point] = lab_results(explored).next_points
    assert (point.trial_ids, point.lr) == ([1, 2, 4], pytest.approx(1e-3 / 0.3, rel=1e-3))


def test_a_comparable_trial_that_has_not_got_as_far_does_not_move_the_comparison_back(explored):
    short = launching.launch(
        explored, EXPLORED | {"lr": 1e-2, "pause_after_steps": 100}, tags=["b"]
    )
    open_gate(explored, short.id)
    ended(explored, short.id)
    [point] = lab_results(explored, tag="a").next_points
    assert (point.trial_ids, "at step 500" in point.why) == ([1, 2, 3], True)


def test_a_trial_that_has_measured_nothing_of_its_own_has_no_place_in_a_front(explored):
    assert {row.trial_id for row in lab_results(explored, front="hours").fronts} <= {1, 2, 3}
    assert lab_results(explored, trial_ids=[4], front="hours").fronts is None


def test_several_fields_at_once_are_proposed_by_tpe_from_the_trials_named(open_lab):
    lab = open_lab()
    for number in range(8):
        varied = {"lr": 10.0 ** -(1 + number % 4), "weight_decay": 0.01 * (1 + number // 4)}
        add_measured_trial(lab, [abs(number % 4 - 2) + 0.1] * 10, **varied)
    [point] = lab_results(lab).next_points
    assert point.trial_ids == list(range(1, 9))
    assert 1e-4 / 3 <= point.lr <= 0.3
    assert 0.01 <= point.set["weight_decay"] <= 0.02
    assert point.why == "TPE over 8 points of lr, weight_decay, at step 1000, one seed"
    assert lab_results(lab).next_points == [point]


def test_what_too_many_trials_have_not_got_is_said_with_the_way_to_it(lab, monkeypatch):
    monkeypatch.setattr("pawn_lab.tools.results.MOST_CURVES", 3)
    answer = lab_results(lab)
    assert (answer.next_points, len(answer.rows)) == (None, 4)
    assert "fronts, next_points and forecasts of 4 trials; name at most 3 by tag" in answer.left_out
    assert lab_results(lab, tag="plain").left_out is None


def test_trials_that_have_shown_nothing_are_told_by_state_in_one_place(open_lab):
    lab = open_lab("gate:crash")
    for seed in range(4):
        launching.launch(lab, CONFIG | {"seed": seed})
    in_state(lab, 2, State.RUNNING)
    open_gate(lab, 1)
    ended(lab, 1)
    in_state(lab, 3, State.RUNNING)
    answer = lab_results(lab)
    assert answer.without == {"failed": [1], "queued": [4]}
    assert [row.trial_id for row in answer.rows] == [2, 3]
