"""lab_plot: a picture, and the numbers that are in it."""

import json
import shutil
import struct

import pytest
from lab_testing import add_ended_trial

from pawn_lab.analysis.curves import Point
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.tools.plot import MOST_POINTS, lab_plot, thinned


@pytest.fixture
def lab(study, tmp_path):
    """The study's lab, copied: plots are written into the workspace."""
    shutil.copytree(study, tmp_path / "runs")
    with Lab.open(tmp_path / "runs") as lab:
        yield lab


def rows_of(spec):
    """Return the data of every panel and layer."""
    parts = [part for panel in spec["concat"] for part in (panel, *panel["layer"])]
    return [row for part in parts if "data" in part for row in part["data"]["values"]]


def test_the_picture_and_its_spec_are_in_the_workspace_and_hold_the_numbers_of_the_answer(lab):
    answer = lab_plot(lab)
    [picture] = answer.pictures()
    assert (lab.paths.root / answer.png).read_bytes() == picture
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000
    spec = json.loads((lab.paths.root / answer.spec).read_text())
    drawn = {(row["x"], row["value"]) for row in rows_of(spec) if "kind" not in row}
    assert drawn == {tuple(point) for curve in answer.curves for point in curve.points}


def test_a_curve_is_named_by_its_trial_and_what_tells_it_from_the_others(lab):
    curves = {curve.trial_ids[0]: curve for curve in lab_plot(lab, trial_ids=[2, 4]).curves}
    assert {curve.label for curve in curves.values()} == {"2 lr=1e-05", "4 lr=0.001"}
    assert [x for x, _ in curves[4].points] == [2, 4, 6, 8]
    assert curves[4].of == 4


def test_losses_of_different_games_have_a_panel_each_and_legality_has_one(lab):
    def panels(metric):
        spec = json.loads((lab.paths.root / lab_plot(lab, metric=metric).spec).read_text())
        return [panel["title"]["text"] for panel in spec["concat"]]

    assert panels("val_loss") == ["mate_boost=0.0", "mate_boost=1.0"]
    assert panels("legal_rate") == [""]


def test_a_resume_and_the_turn_of_the_rate_are_marked_in_the_answer_and_on_the_curve(lab):
    answer = lab_plot(lab, trial_ids=[4], metric="loss")
    [curve] = answer.curves
    assert [4, "resume"] in [list(mark) for mark in curve.marks]
    spec = json.loads((lab.paths.root / answer.spec).read_text())
    shown = [(row["x"], row["value"]) for row in rows_of(spec) if row.get("kind") == "resume"]
    assert shown == [(4, dict(curve.points)[4])]


def test_tokens_grow_along_a_lineage_and_can_be_the_axis_of_a_chart(lab):
    by_step = lab_plot(lab, trial_ids=[4], metric="loss").curves[0].points
    by_tokens = lab_plot(lab, trial_ids=[4], metric="loss", x="tokens").curves[0].points
    tokens = [x for x, _ in by_tokens]
    assert [value for _, value in by_tokens] == [value for _, value in by_step]
    assert tokens == sorted(set(tokens))
    assert 4 * 4 < tokens[0] < 4 * 33  # a batch of four games of at most 33 predictions
    assert 6 < tokens[-1] / tokens[0] < 10  # eight steps


def test_seeds_of_a_setting_are_one_curve_with_a_band_of_the_same_numbers(lab):
    records = [json.loads(line) for line in lab.paths.trial(3).metrics.read_text().splitlines()]
    for seed in (1, 2):
        trial_id = add_ended_trial(lab, queries.trial(lab, 3).config | {"seed": seed})
        lines = [json.dumps(r | {"val_loss": r.get("val_loss", 0.0) + seed}) for r in records]
        lab.paths.trial(trial_id).metrics.write_text("\n".join(lines) + "\n")
    answer = lab_plot(lab, trial_ids=[3, 5, 6], band=True)
    [curve] = answer.curves
    assert (curve.trial_ids, curve.label) == ([3, 5, 6], "baseline (seeds: 3)")
    assert all(low < mean < high for _, mean, low, high in curve.points)
    spec = json.loads((lab.paths.root / answer.spec).read_text())
    marked = [layer["mark"]["type"] for layer in spec["concat"][0]["layer"]]
    assert "area" in marked
    each = lab_plot(lab, trial_ids=[3, 5, 6])
    assert len(each.curves) == 3


def test_the_same_chart_is_written_once_and_axes_can_be_logarithmic(lab):
    first, again = lab_plot(lab, x="cost", log_y=True), lab_plot(lab, x="cost", log_y=True)
    assert first.png == again.png
    assert first.png != lab_plot(lab, x="cost").png
    assert first.curves[0].points[0][0] > 0


def test_a_picture_is_small_enough_to_be_looked_at(lab):
    [picture] = lab_plot(lab, trial_ids=[4], metric="loss", x="hours", log_x=True).pictures()
    width, height = struct.unpack(">II", picture[16:24])
    assert 400 < width < 1200
    assert 300 < height < 600


def test_a_long_curve_keeps_its_ends():
    points = [Point(step, 0.0, 0.0, 1.0) for step in range(1, 1001)]
    kept = [point.step for point in thinned(points)]
    assert (len(kept), kept[0], kept[-1]) == (MOST_POINTS, 1, 1000)
    assert kept == sorted(set(kept))
    assert thinned(points[:3]) == points[:3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "valloss"}, "did you mean 'val_loss'?"),
        ({"tag": "nobody"}, "no trial has the tag 'nobody'"),
        ({"trial_ids": []}, "trial_ids"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_refused(lab, arguments, message):
    with pytest.raises(InvalidRequestError) as refusal:
        lab_plot(lab, **arguments)
    assert message in str(refusal.value)
