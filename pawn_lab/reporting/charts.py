"""Charts of trials: one altair specification, drawn as PNG without a browser."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import altair as alt

_SCALE = 2.0
"""Pixels a chart unit: sharp on a screen, small enough to send."""

_CHOSEN = "#1f5fbf"
_OTHER = "#a9a9a9"


class CurvePoint(NamedTuple):
    """One evaluation on one curve of one panel."""

    panel: str
    curve: str
    step: int
    value: float
    chosen: bool


def curve_panels(
    points: Sequence[CurvePoint], *, title: str, subtitle: Sequence[str], y_title: str
) -> alt.TopLevelMixin:
    """Draw a panel for each group of curves, the chosen curve of each in front, labelled directly.

    The panels share the step axis; each has its own loss axis where losses are not comparable.
    """
    panels = list(dict.fromkeys(point.panel for point in points))
    charts = [
        _panel([p for p in points if p.panel == name], name, y_title if i == 0 else "")
        for i, name in enumerate(panels)
    ]
    heading = alt.TitleParams(
        title, subtitle=list(subtitle), anchor="start", fontSize=17, subtitleFontSize=12, offset=14
    )
    return (
        alt.hconcat(*charts, spacing=26, title=heading)
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=11, titleFontSize=12, grid=True, gridColor="#eeeeee")
    )


def _panel(
    points: Sequence[CurvePoint], title: str, y_title: str
) -> alt.LayerChart | alt.FacetChart:
    rows = [point._asdict() for point in points]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(
            "step:Q", title="optimizer step", axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=True)
        ),
        y=alt.Y("value:Q", title=y_title, scale=alt.Scale(zero=False)),
        detail="curve:N",
        color=alt.condition("datum.chosen", alt.value(_CHOSEN), alt.value(_OTHER)),
    )
    lines = base.mark_line(interpolate="linear", strokeWidth=2)
    marks = base.mark_point(filled=True, size=18, opacity=1)
    heading = alt.TitleParams(title, fontSize=14, anchor="start", frame="group")
    return alt.layer(lines, marks, _end_labels(points), width=250, height=230, title=heading)


def _end_labels(points: Sequence[CurvePoint]) -> alt.Chart:
    """Label each curve at its last point, the value of the chosen one with it."""
    last = {point.curve: point for point in sorted(points, key=lambda point: point.step)}
    rows = [
        point._asdict()
        | {"label": f"{point.curve}: {point.value:.3f}" if point.chosen else point.curve}
        for point in last.values()
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_text(align="left", dx=6, fontSize=11)
        .encode(
            x="step:Q",
            y="value:Q",
            text="label:N",
            color=alt.condition("datum.chosen", alt.value(_CHOSEN), alt.value("#777777")),
        )
    )


def _label(point: CurvePoint) -> str:
    return f"{point.curve}: {point.value:.3f}" if point.chosen else point.curve


def save_png(chart: alt.TopLevelMixin, path: Path) -> None:
    """Write a chart as PNG."""
    chart.save(str(path), format="png", scale_factor=_SCALE)
