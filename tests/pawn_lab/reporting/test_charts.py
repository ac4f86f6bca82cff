"""Charts are drawn without a browser or a network."""

import struct

from pawn_lab.reporting.charts import Axes, CurvePoint, curve_panels, png

AXES = Axes("optimizer step", "val loss")


def points() -> list[CurvePoint]:
    return [
        CurvePoint(panel, curve, step, 7.0 - step / 100 - offset, chosen)
        for panel in ("mate_boost=1.0", "no_outcome_token=True")
        for curve, offset, chosen in (("lr 0.001", 0.0, False), ("lr 0.003", 0.5, True))
        for step in (25, 50, 100)
    ]


def test_a_png_of_a_readable_size_is_drawn():
    data = png(curve_panels(points(), AXES, title="Curves", subtitle=["two panels"]))
    width, height = struct.unpack(">II", data[16:24])
    assert data.startswith(b"\x89PNG")
    assert 1000 < width < 2500
    assert 400 < height < 1200


def test_the_chosen_curve_is_labelled_with_its_last_value():
    chart = curve_panels(points(), AXES, title="Curves", subtitle=[]).to_dict()
    labels = {
        row["label"] for panel in chart["concat"] for row in panel["layer"][-1]["data"]["values"]
    }
    assert labels == {"lr 0.001", "lr 0.003: 5.500"}


def test_where_none_is_chosen_one_legend_names_the_curves_of_all_panels():
    plain = [p._replace(chosen=False, curve=f"{p.panel} {p.curve}") for p in points()]
    panels = curve_panels(plain, AXES, title="Curves", subtitle=[]).to_dict()["concat"]
    for panel in panels:
        color = panel["layer"][0]["encoding"]["color"]
        assert color["scale"]["domain"] == list(dict.fromkeys(p.curve for p in plain))
        assert color["legend"]["symbolLimit"] == 0  # none left out


def test_axes_are_logarithmic_where_asked():
    axes = AXES._replace(log_y=True)
    lines = curve_panels(points(), axes, title="", subtitle=[]).to_dict()["concat"][0]["layer"][0]
    scales = [lines["encoding"][channel]["scale"] for channel in ("x", "y")]
    assert [scale.get("type") for scale in scales] == [None, "log"]
