"""Curves as pages draw them: no spike is lost, and groups are of all their members."""

import random
import weakref
from pathlib import Path

import pytest
from curve_labs import add_trial, append, train
from lab_testing import add_ended_trial
from past_trials import resolved

from pawn_lab.analysis.traces import Traces
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.views import answered


@pytest.fixture
def lab(tmp_path: Path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


def curves(lab: Lab, **asked):
    return answered(lab, "curves", {"metrics": "loss"} | asked)


def test_a_short_curve_is_whole(lab):
    add_trial(lab, [3.0, None, 2.5])
    (curve,) = curves(lab)["curves"]
    assert (curve["x"], curve["y"]) == ([1, 2, 3], [3, None, 2.5])
    assert (curve["seen"], curve["sampled"], curve["metric"]) == (3, False, "loss")


@pytest.mark.parametrize("spike", [0, 1, 4_000, 8_191, 9_998, 9_999])
def test_a_spike_of_one_record_is_seen_in_every_zoom(lab, spike):
    chance = random.Random(spike)
    losses = [3.0 + chance.random() for _ in range(10_000)]
    losses[spike] = 99.0
    add_trial(lab, losses)
    for width in (10_000, 3_000, 500, 20):
        low = max(0, spike - width // 3)
        (curve,) = curves(lab, most=200, low=low, high=low + width)["curves"]
        assert 99 in curve["y"], f"gone in {low} to {low + width}"
        assert len(curve["x"]) <= 200
        assert curve["x"] == sorted(set(curve["x"]))


def test_a_zoom_shows_every_record_that_lies_in_it_and_its_neighbours(lab):
    add_trial(lab, [float(step) for step in range(1, 5001)])
    (curve,) = curves(lab, most=100, low=2000, high=2020)["curves"]
    assert curve["x"] == list(range(1999, 2022))
    assert curve["sampled"] is False


def test_what_a_growing_curve_has_shown_stays_as_it_was(lab):
    chance = random.Random(1)
    number = add_trial(lab, [chance.random() for _ in range(2000)])
    before = curves(lab, most=100)["curves"][0]["x"][:-5]
    append(lab, number, [train(step, loss=0.5) for step in range(2001, 2051)])
    assert set(before) <= set(curves(lab, most=100)["curves"][0]["x"])


def test_a_group_is_the_mean_of_its_seeds_with_their_confidence_band(lab):
    for seed, loss in ((1, 1.0), (2, 2.0), (3, 3.0)):
        add_trial(lab, [loss, loss + 1], seed=seed)
    add_trial(lab, [7.0], lr=1e-5)
    answer = curves(lab)
    three, one = sorted(answer["groups"], key=lambda group: -group["n"])
    assert (three["trials"], three["n"]) == ([1, 2, 3], 3)
    assert (three["x"], three["mean"]) == ([1, 2], [2, 3])
    assert three["high"][0] - 2 == pytest.approx(4.3027 / 3**0.5, rel=1e-3)
    assert (one["trials"], one["mean"], one["low"], one["high"]) == ([4], [7], [7], [7])
    assert {curve["group"] for curve in answer["curves"]} == {three["label"], one["label"]}
    assert "lr=1e-05" in one["label"]


def test_a_group_goes_as_far_as_all_its_members(lab):
    add_trial(lab, [1.0, 1.0, 1.0], seed=1)
    add_trial(lab, [3.0], seed=2)
    (group,) = curves(lab)["groups"]
    assert (group["x"], group["mean"]) == ([1], [2])


def test_the_groups_of_variants_are_called_as_these(lab):
    variants = {"narrow": {"variant": "toy"}, "wide": {"variant": "toy", "d_model": 96}}
    number = add_ended_trial(lab, resolved(variants=variants))
    append(lab, number, [train(1, loss=2.0, variant=name) for name in variants])
    assert {group["label"] for group in curves(lab)["groups"]} == set(variants)


def test_an_ablation_is_called_by_what_it_sets_and_not_by_what_the_others_do(lab):
    for ablation in ({}, {"mate_boost": 1.0}, {"discard_ply_limit": True}):
        add_trial(lab, [3.0, 2.0], **ablation)
    labels = {group["label"] for group in curves(lab)["groups"]}
    assert labels == {"baseline", "mate_boost=1.0", "discard_ply_limit=true"}


def test_x_may_be_another_metric_tokens_hours_or_cost(lab):
    number = add_trial(lab, [])
    records = [train(step, loss=5.0 - step, lr=0.1 * step) for step in (1, 2, 3)]
    append(lab, number, records)
    by_rate, by_tokens, by_hours = (
        curves(lab, x=x)["curves"][0] for x in ("metric:lr", "tokens", "hours")
    )
    assert (by_rate["x"], by_rate["y"]) == ([0.1, 0.2, 0.3], [4, 3, 2])
    assert by_tokens["x"] == [20, 40, 60]
    assert by_hours["x"] == pytest.approx([0, 1 / 3600, 2 / 3600], rel=1e-4)


def test_an_unknown_axis_or_metric_is_refused_with_what_there_is(lab):
    add_trial(lab, [1.0])
    with pytest.raises(InvalidRequestError, match="x 'stepp' is not allowed; one of: step"):
        curves(lab, x="stepp")
    with pytest.raises(InvalidRequestError, match=r"metric 'losss' is not allowed.*loss"):
        curves(lab, metrics="losss")


def test_the_curves_of_few_groups_are_held_at_a_time(lab, monkeypatch):
    for lr in range(1, 7):
        for seed in (1, 2):
            add_trial(lab, [1.0, 2.0], lr=lr / 10, seed=seed)
    alive, most, read = weakref.WeakSet(), [], Traces.of

    def counted(*asked):
        found = read(*asked)
        alive.update(found)
        most.append(len(alive))
        return found

    monkeypatch.setattr(Traces, "of", counted)
    assert len(curves(lab)["curves"]) == 12
    assert max(most) <= 4
