"""Charts of trials: one altair specification, drawn as PNG without a browser."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from types import MappingProxyType
from typing import Any, NamedTuple

import altair as alt

SHARP, SMALL = 2.0, 1.25
"""Pixels a chart unit: for a page, and for an answer that an agent pays for."""

_CHOSEN = "#1f5fbf"
_OTHER = "#a9a9a9"
_MUTED = "#777777"
MOST_COLUMNS = 3


class CurvePoint(NamedTuple):
    """One point on one curve of one panel; where no curve is chosen, each has its own colour.

    low, high: the band around the value, where it has one.
    """

    panel: str
    curve: str
    x: float
    value: float
    chosen: bool = False
    low: float | None = None
    high: float | None = None


class MarkPoint(NamedTuple):
    """Something that happened to a curve, drawn at its value there; each kind has its shape."""

    panel: str
    curve: str
    x: float
    value: float
    kind: str


class Floor(NamedTuple):
    """The least value that is possible, and what to call it."""

    value: float
    label: str


NO_FLOORS: Mapping[str, Floor] = MappingProxyType({})


class Axes(NamedTuple):
    """Titles of the axes, and which are logarithmic."""

    x_title: str
    y_title: str
    log_x: bool = False
    log_y: bool = False


def curve_panels(
    points: Sequence[CurvePoint],
    axes: Axes,
    *,
    title: str,
    subtitle: Sequence[str],
    marks: Sequence[MarkPoint] = (),
    floors: Mapping[str, Floor] = NO_FLOORS,
) -> alt.TopLevelMixin:
    """Draw a panel for each group of curves, the chosen curve of each in front, labelled directly.

    Each panel has axes of its own: losses of several panels are not comparable. A panel's floor is
    a dashed line across it.
    """
    panels = list(dict.fromkeys(point.panel for point in points))
    columns = MOST_COLUMNS if len(panels) % 2 or len(panels) > 4 else 2
    color = _chosen_in_front(_OTHER) if any(p.chosen for p in points) else _one_each(points)
    charts = [
        _panel(
            [p for p in points if p.panel == name],
            [m for m in marks if m.panel == name],
            axes,
            name,
            color,
            first=i % columns == 0,
            floor=floors.get(name),
        )
        for i, name in enumerate(panels)
    ]
    heading = alt.TitleParams(
        title, subtitle=list(subtitle), anchor="start", fontSize=17, subtitleFontSize=12, offset=14
    )
    return (
        alt.concat(*charts, columns=columns, spacing=26, title=heading)
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=11, titleFontSize=12, grid=True, gridColor="#eeeeee")
    )


def png(chart: alt.TopLevelMixin, scale: float = SHARP) -> bytes:
    """Draw a chart, at so many pixels a chart unit."""
    image = BytesIO()
    chart.save(image, format="png", scale_factor=scale)
    return image.getvalue()


def _panel(
    points: Sequence[CurvePoint],
    marked: Sequence[MarkPoint],
    axes: Axes,
    title: str,
    color: Any,
    *,
    first: bool,
    floor: Floor | None,
) -> alt.LayerChart | alt.FacetChart:
    chosen = any(point.chosen for point in points)
    base = alt.Chart(alt.Data(values=[point._asdict() for point in points])).encode(
        x=alt.X(
            "x:Q", title=axes.x_title, axis=alt.Axis(tickCount=5), scale=_scale(axes.log_x, True)
        ),
        y=alt.Y("value:Q", title=axes.y_title if first else "", scale=_scale(axes.log_y, False)),
        detail="curve:N",
        color=color,
    )
    lines = base.mark_line(interpolate="linear", strokeWidth=2 if chosen else 1.5)
    marks = base.mark_point(filled=True, size=18 if chosen else 10, opacity=1)
    layers = [lines, marks, *([_end_labels(points)] if chosen else [])]
    layers += [_band(base)] if any(point.low is not None for point in points) else []
    layers += [_happened(marked)] if marked else []
    layers += _floor(floor, min(point.x for point in points)) if floor else []
    heading = alt.TitleParams(title, fontSize=14, anchor="start", frame="group")
    return alt.layer(*layers, width=250 if chosen else 380, height=230, title=heading)


def _floor(floor: Floor, left: float) -> list[alt.Chart]:
    """Draw the least possible value across a panel, its name above it."""
    base = alt.Chart(alt.Data(values=[{"x": left, **floor._asdict()}])).encode(y="value:Q")
    line = base.mark_rule(strokeDash=[5, 4], color=_MUTED)
    name = base.mark_text(align="left", baseline="bottom", dy=-3, fontSize=11, color=_MUTED)
    return [line, name.encode(x="x:Q", text="label:N")]


def _band(base: alt.Chart) -> alt.Chart:
    """Shade between low and high; a curve without a band gets none."""
    edges = {"y": alt.Y("low:Q", title=""), "y2": "high:Q"}
    return base.transform_filter("datum.low !== null").mark_area(opacity=0.18).encode(**edges)


def _happened(marked: Sequence[MarkPoint]) -> alt.Chart:
    """Draw what happened as hollow shapes over the curves, named in a legend of their own."""
    kinds = sorted({mark.kind for mark in marked})
    shapes = alt.Scale(domain=kinds, range=["diamond", "triangle-up", "square"][: len(kinds)])
    return (
        alt.Chart(alt.Data(values=[mark._asdict() for mark in marked]))
        .mark_point(filled=False, size=90, strokeWidth=1.5, color="#222222")
        .encode(
            x="x:Q",
            y="value:Q",
            shape=alt.Shape("kind:N", scale=shapes, legend=alt.Legend(title=None)),
        )
    )


def _scale(logarithmic: bool, zero: bool) -> alt.Scale:
    return alt.Scale(type="log", nice=False) if logarithmic else alt.Scale(zero=zero)


def _chosen_in_front(other: str) -> Any:
    return alt.condition("datum.chosen", alt.value(_CHOSEN), alt.value(other))


def _one_each(points: Sequence[CurvePoint]) -> alt.Color:
    curves = list(dict.fromkeys(point.curve for point in points))
    return alt.Color(
        "curve:N",
        scale=alt.Scale(domain=curves, scheme="tableau10" if len(curves) <= 10 else "tableau20"),
        legend=alt.Legend(title=None, labelLimit=320, symbolLimit=0),
    )


def _end_labels(points: Sequence[CurvePoint]) -> alt.Chart:
    """Label each curve at its last point, the value of the chosen one with it."""
    last = {point.curve: point for point in sorted(points, key=lambda point: point.x)}
    rows = [point._asdict() | {"label": _label(point)} for point in last.values()]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_text(align="left", dx=6, fontSize=11)
        .encode(x="x:Q", y="value:Q", text="label:N", color=_chosen_in_front(_MUTED))
    )


def _label(point: CurvePoint) -> str:
    return f"{point.curve}: {point.value:.3f}" if point.chosen else point.curve
