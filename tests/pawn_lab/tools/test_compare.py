"""lab_compare: a verdict only where seeds, games and settings allow one."""

import json

import pytest
from lab_testing import (
    CONFIG,
    add_measured_trial,
    ended,
    in_state,
    make_checkpoint,
    open_gate,
    trainer_greeting,
    write_evaluations,
)

from pawn_lab.analysis.origins import essential
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, killing, launching, resuming
from pawn_lab.states import State
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.diff import lab_diff
from pawn_lab.tools.results import lab_results


@pytest.fixture
def lab(open_lab):
    return open_lab("complete")


def rows(answer):
    return {row.setting: row for row in answer.groups}


def test_a_difference_that_every_seed_shows_is_worse_by_a_paired_interval(lab):
    for seed, loss in enumerate((2.0, 2.5, 3.0)):
        add_measured_trial(lab, [9.0, loss], seed=seed)
        add_measured_trial(lab, [9.0, loss + 0.1 + seed / 1000], seed=seed, lr=0.01)
    answer = lab_compare(lab)
    assert (answer.position, answer.groups[0].setting) == (200, "lr=0.0003")
    assert answer.groups[0].reference
    row = rows(answer)["lr=0.01"]
    assert (row.verdict, row.paired, row.trial_ids) == ("worse", True, [2, 4, 6])
    assert row.difference == pytest.approx(0.101, abs=1e-4)
    assert row.interval_low < row.difference < row.interval_high
    assert row.interval_low > 0
    assert answer.headline.startswith("Clear: lr=0.0003 is better than lr=0.01, the next best")
    better = rows(lab_compare(lab, reference=2))["lr=0.0003"]
    assert (better.verdict, better.difference) == ("better", pytest.approx(-0.101, abs=1e-4))


def test_noise_is_indistinguishable_and_says_how_many_seeds_would_tell(lab):
    for seed, (low, high) in enumerate(((2.0, 2.9), (2.8, 2.3))):
        add_measured_trial(lab, [low], seed=seed)
        add_measured_trial(lab, [high], seed=seed + 10, lr=0.01)
    row = rows(lab_compare(lab))["lr=0.01"]
    assert (row.verdict, row.paired) == ("indistinguishable", False)
    assert row.needs_seeds > 10
    assert row.detectable > row.difference
    assert f"{row.needs_seeds} more seeds of each would tell" in lab_compare(lab).headline


def test_one_seed_each_gives_a_difference_and_no_interval(lab):
    add_measured_trial(lab, [2.0])
    add_measured_trial(lab, [2.512345], lr=0.01)
    row = rows(lab_compare(lab))["lr=0.01"]
    assert (row.verdict, row.difference, row.needs_seeds) == ("not comparable", 0.5123, 1)
    assert (row.interval_low, row.detectable) == (None, None)
    assert row.why == "one seed"
    assert "No clear winner: lr=0.0003 and lr=0.01" in lab_compare(lab).headline


def test_two_fields_that_differ_are_not_comparable_unless_both_are_named(lab):
    for seed in (0, 1):
        add_measured_trial(lab, [2.0 + seed], seed=seed)
        add_measured_trial(lab, [2.5 + seed], seed=seed, lr=0.01, optimizer="muon")
    for factor in (None, "lr"):
        row = lab_compare(lab, factor=factor).groups[1]
        assert row.verdict == "not comparable"
        assert "optimizer" in row.why
    assert lab_compare(lab, factor="lr, optimizer").groups[1].verdict == "worse"


def test_losses_on_other_games_are_not_comparable_and_kl_is_with_a_caveat(lab):
    for seed in (0, 1):
        add_measured_trial(lab, [2.0 + seed], seed=seed)
        add_measured_trial(lab, [2.5 + seed], seed=seed, mate_boost=1.0)
    loss = lab_compare(lab, factor="mate_boost").groups[1]
    assert loss.verdict == "not comparable"
    assert "validation games (mate_boost)" in loss.why
    kl = lab_compare(lab, metric="kl").groups[1]
    assert (kl.verdict, kl.paired) == ("indistinguishable", False)
    assert "games of its own kind" in kl.why


def test_other_validation_games_are_never_comparable(lab):
    for seed in (0, 1):
        add_measured_trial(lab, [2.0], seed=seed)
        add_measured_trial(lab, [2.5], seed=seed, val_games=8)
    assert lab_compare(lab, metric="kl").groups[1].verdict == "not comparable"


def test_one_order_of_the_data_against_another_is_not_comparable(lab):
    for seed in (0, 1):
        add_measured_trial(lab, [2.0 + seed], seed=seed, data_seed=7)
        add_measured_trial(lab, [2.5 + seed], seed=seed, data_seed=8, lr=0.01)
    row = lab_compare(lab).groups[1]
    assert (row.verdict, row.why) == ("not comparable", "every data_seed is 8 against 7")


def test_trials_are_compared_where_the_shortest_ends(lab):
    add_measured_trial(lab, [5.0, 4.0, 3.0])
    add_measured_trial(lab, [5.0, 4.5], lr=0.01)
    answer = lab_compare(lab)
    assert (answer.position, [row.mean for row in answer.groups]) == (200, [4.0, 4.5])
    assert answer.notes[0] == "at 200, the end of 2 (completed); others go on"


def test_without_a_common_step_nothing_is_compared(lab):
    write_evaluations(lab, add_measured_trial(lab, []), [2.0])
    write_evaluations(lab, add_measured_trial(lab, [], lr=0.01), [2.5], first=2)
    answer = lab_compare(lab)
    assert {row.verdict for row in answer.groups} == {"not comparable"}
    assert "no common point" in answer.groups[0].why


def test_a_repeated_or_continued_run_counts_once(lab):
    first = add_measured_trial(lab, [2.0, 1.9])
    add_measured_trial(lab, [2.0])
    make_checkpoint(lab.paths.trial(first).checkpoints, 200)
    continued = resuming.resume(lab, first).id
    ended(lab, continued)
    write_evaluations(lab, continued, [1.8], first=3)
    answer = lab_compare(lab)
    assert [row.trial_ids for row in answer.groups] == [[continued]]
    assert answer.groups[0].mean == 1.8
    assert "counted once: 2, 1 " in answer.notes[0]


def test_a_run_that_changed_its_setting_on_the_way_is_another_setting(lab):
    parent = add_measured_trial(lab, [2.0], lr=0.01)
    make_checkpoint(lab.paths.trial(parent).checkpoints, 100)
    child = resuming.resume(lab, parent, overrides={"lr": 0.001}).id
    ended(lab, child)
    write_evaluations(lab, child, [2.0, 2.0])
    add_measured_trial(lab, [2.0, 2.0], lr=0.001)
    assert "lr=0.001 lineage=lr=0.01 to step 100" in rows(lab_compare(lab))


def test_a_trial_without_the_metric_is_named(lab):
    add_measured_trial(lab, [2.0])
    add_measured_trial(lab, [None], lr=0.01)
    assert lab_compare(lab).notes == ["left out, without val_loss: 2 (completed)"]


def test_what_it_took_to_reach_a_value_is_compared_as_a_ratio(lab):
    for seed in (0, 1):
        add_measured_trial(lab, [5.0, 4.0, 3.0, 2.0 - seed], seed=seed)
        add_measured_trial(lab, [4.0, 2.0 - seed / 10], seed=seed, lr=0.01)
    answer = lab_compare(lab, metric="kl", reaching=3.0, reference=1)
    slow, fast = answer.groups
    assert (slow.mean, slow.reference, fast.verdict) == (300, True, "better")
    assert fast.mean == pytest.approx((150 * (100 + 100 / 2.1)) ** 0.5, rel=1e-3)
    assert fast.ratio == pytest.approx(fast.mean / 300, rel=1e-3)
    assert fast.interval_low < fast.ratio < fast.interval_high < 1
    assert answer.position is None


def test_a_higher_metric_is_reached_from_below_and_at_once_where_it_begins_there(lab):
    add_measured_trial(lab, [0.8, 0.6, 0.5])
    lines = lab.paths.trial(1).metrics.read_text().replace("kl", "top1")
    lab.paths.trial(1).metrics.write_text(lines)
    assert lab_compare(lab, metric="top1", reaching=0.7).groups[0].mean == 100


def test_a_setting_that_never_gets_there_is_not_comparable(lab):
    for seed in (0, 1):
        add_measured_trial(lab, [3.0, 2.0], seed=seed)
        add_measured_trial(lab, [3.0, 2.0 + seed], seed=seed, lr=0.01)
    row = lab_compare(lab, metric="kl", reaching=2.5).groups[1]
    assert (row.mean, row.verdict) == (None, "not comparable")
    assert row.why == "a trial of one of the two never gets to kl 2.5"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": "lrr"}, "factor 'lrr' is no config field; did you mean 'lr'?"),
        ({"metric": "vall_loss"}, "did you mean 'val_loss'?"),
        ({"metric": "loss"}, "metric 'loss' is not allowed"),
        ({"reference": 7}, "reference 7 is not among the trials compared: none"),
    ],
)
def test_what_cannot_be_compared_by_is_refused(lab, arguments, message):
    with pytest.raises(InvalidRequestError) as refusal:
        lab_compare(lab, **arguments)
    assert message in str(refusal.value)


def test_a_continuation_that_has_measured_nothing_is_left_out_for_what_it_continues(open_lab):
    lab = open_lab("gate:study")
    paused = CONFIG | {"pause_after_steps": 500}
    for lr in (1e-4, 1e-3):
        trial = launching.launch(lab, paused | {"lr": lr})
        open_gate(lab, trial.id)
        ended(lab, trial.id)
    in_state(lab, resuming.resume(lab, 2).id, State.RUNNING)
    answer = lab_compare(lab)
    assert [row.trial_ids for row in answer.groups] == [[2], [1]]
    assert "left out, without val_loss: 3 (running)" in answer.notes
    open_gate(lab, 3)


def test_a_field_without_effect_makes_no_group_of_its_own(open_lab):
    lab = open_lab("study")
    for seed, idle in ((0, {}), (1, {"no_outcome_token": True})):
        ended(lab, launching.launch(lab, CONFIG | {"seed": seed} | idle).id)
    answer = lab_compare(lab)
    assert [row.trial_ids for row in answer.groups] == [[1, 2]]
    assert answer.notes[0].startswith("trial 2: no_outcome_token has no effect: sequences of the")
    assert {row.ablation for row in lab_results(lab).rows} == {"baseline"}
    assert "no_outcome_token has no effect" in lab_results(lab).note
    diff = lab_diff(lab, 1, 2)
    assert (diff.settings, diff.validation_games) == (
        {"seed": [0, 1], "data_seed": [0, 1]},
        "the same",
    )
    assert any("no_outcome_token has no effect" in note for note in diff.notes)


def test_what_follows_from_a_choice_is_no_choice_of_its_own():
    base = {"variant": "toy", "local_checkpoints": True, "total_steps": 1000}

    def chosen(**fields):
        return essential(StoredConfig(base | fields))

    wide = chosen(d_model=128)
    assert {k: v for k, v in wide.items() if v != chosen().get(k)} == {"d_model": 128}
    longer = chosen(total_steps=2000)
    assert {k for k, v in longer.items() if v != chosen().get(k)} == {"total_steps"}


def test_a_killed_trial_does_not_move_the_comparison_back_unless_it_is_named(open_lab):
    lab = open_lab("gate")
    for lr, losses in ((0.001, [5.0, 4.0, 3.0]), (0.01, [4.0, 3.9, 3.8]), (0.1, [9.0])):
        trial = launching.launch(lab, CONFIG | {"lr": lr})
        trainer_greeting(lab, trial.id)
        if lr == 0.1:
            killing.kill(lab, trial.id)
        open_gate(lab, trial.id)
        ended(lab, trial.id)
        write_evaluations(lab, trial.id, losses)
    answer = lab_compare(lab)
    assert (answer.position, len(answer.groups)) == (300, 2)
    assert answer.notes[0] == (
        "left out, broke off before the others; name them to count: 3 (killed at 100)"
    )
    named = lab_compare(lab, trial_ids=[1, 2, 3])
    assert (named.position, named.groups[0].setting) == (100, "lr=0.01")
    [point] = lab_results(lab).next_points
    assert (point.trial_ids, point.why[:23]) == ([1, 2], "the best, 0.001, is the")


def test_other_code_another_device_model_and_a_shared_processor_are_warned_of(lab):
    for number in range(4):
        trial = launching.launch(
            lab, CONFIG | {"seed": number // 2, "lr": (0.001, 0.01)[number % 2]}
        )
        ended(lab, trial.id)
        write_evaluations(lab, trial.id, [2.0 + number % 2])
    assert not [note for note in lab_compare(lab).notes or () if "other" in note]
    for trial_id, changes in ((3, {"code_sha256": "b"}), (4, {"device_name": "NVIDIA H200"})):
        file = lab.paths.trial(trial_id).provenance
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    answer = lab_compare(lab)
    assert "other code: 1, 2, 4 against 3; lab_diff(1, 3)" in answer.notes
    assert "other device models: CPU: 1, 2, 3; NVIDIA H200: 4" in answer.notes
    assert answer.headline.endswith("More than the settings differs: see notes.")
    assert not [note for note in answer.notes if "processor" in note]


def test_hours_on_a_processor_that_was_shared_are_warned_of(open_lab):
    lab = open_lab("gate")
    for seed in range(2):
        launching.launch(lab, CONFIG | {"seed": seed})
    for trial_id in (1, 2):
        in_state(lab, trial_id, State.RUNNING)
        open_gate(lab, trial_id)
    for trial_id in (1, 2):
        ended(lab, trial_id)
    shared = "1, 2 shared the processor with other trials, which costs time"
    assert shared in lab_compare(lab, at="hours").notes
    assert shared not in (lab_compare(lab).notes or ())


def test_trials_that_are_ranked_otherwise_are_left_out_and_how_is_said(study_copy):
    with Lab.open(study_copy) as lab:
        config = {"run_type": "eval", "weights": "trial:1", "evals": ["legality"], "games": 4}
        ended(lab, launching.launch(lab, config | {"device": "cpu"}).id)
        answer = lab_compare(lab)
        assert answer.metric == "val_loss"
        assert "left out, 5: ranked by legality.legal_rate" in answer.notes
        of_evaluations = lab_compare(lab, trial_ids=[5])
        assert of_evaluations.metric == "legality.legal_rate"
        assert not of_evaluations.notes or "left out" not in str(of_evaluations.notes)
