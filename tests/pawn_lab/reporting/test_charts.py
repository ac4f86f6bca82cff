"""Charts are drawn without a browser or a network."""

import struct

from pawn_lab.reporting.charts import CurvePoint, curve_panels, save_png


def points() -> list[CurvePoint]:
    return [
        CurvePoint(panel, curve, step, 7.0 - step / 100 - offset, chosen)
        for panel in ("mate_boost=1.0", "no_outcome_token=True")
        for curve, offset, chosen in (("lr 0.001", 0.0, False), ("lr 0.003", 0.5, True))
        for step in (25, 50, 100)
    ]


def test_a_png_of_a_readable_size_is_written(tmp_path):
    chart = curve_panels(points(), title="Curves", subtitle=["two panels"], y_title="val loss")
    save_png(chart, tmp_path / "curves.png")
    data = (tmp_path / "curves.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert data.startswith(b"\x89PNG")
    assert 1000 < width < 2500
    assert 400 < height < 1200


def test_the_chosen_curve_is_labelled_with_its_last_value():
    chart = curve_panels(points(), title="Curves", subtitle=[], y_title="val loss").to_dict()
    labels = {
        row["label"] for panel in chart["hconcat"] for row in panel["layer"][-1]["data"]["values"]
    }
    assert labels == {"lr 0.001", "lr 0.003: 5.500"}
