"""Charts in a browser: what they draw, and how they are read, zoomed, hidden and saved."""

import re
import shutil
from pathlib import Path

import pytest
from lab_testing import eventually
from playwright.sync_api import Page, expect

from pawn_lab.page.bundle import STATIC, style
from pawn_lab.page.modules import joined

GALLERY = """
import { html, render } from "./preact.js";
import { Bars } from "./charts/bars.js";
import { Heat } from "./charts/heat.js";
import { Scatter } from "./charts/scatter.js";
import { Sparkline } from "./charts/sparkline.js";
import { TimeSeries } from "./charts/timeseries.js";
import { smoothed } from "./charts/smoothing.js";
import { ticks } from "./charts/ticks.js";

const kinds = { TimeSeries, Bars, Heat, Scatter, Sparkline };
const draw = (kind, charts) =>
  render(
    charts.map((props) => html`<div class="card"><${kinds[kind]} ...${props} /></div>`),
    document.getElementById("app"),
  );
Object.assign(globalThis, { draw, smoothed, ticks });
"""
MISSING = "\N{EN DASH}"
STEPS = list(range(0, 1000, 10))


def curve(label: str, y: list[float | None] | None = None, **more) -> dict:
    return {"label": label, "x": STEPS, "y": y or [1.0 + i / 100 for i in range(100)], **more}


@pytest.fixture(scope="module")
def gallery(common_page: Page, tmp_path_factory) -> Page:
    """A page of the charts alone, which draws what a test gives it."""
    folder = tmp_path_factory.mktemp("gallery")
    modules = Path(shutil.copytree(STATIC, folder / "static"))
    (modules / "gallery.js").write_text(GALLERY)
    vendored = [(modules / "vendor" / name).read_text() for name in ("htm-preact.js", "uplot.js")]
    scripts = [*vendored, f"(() => {{{joined(modules / 'gallery.js', modules)}}})()"]
    tags = "".join(f"<script>{script}</script>" for script in scripts)
    head = f'<!doctype html><meta charset="utf-8"><style>{style()}</style><div id="app"></div>'
    (folder / "gallery.html").write_text(head + tags)
    common_page.goto((folder / "gallery.html").as_uri())
    return common_page


@pytest.fixture
def charts(gallery: Page) -> Page:
    """The page with nothing on it yet."""
    gallery.set_viewport_size({"width": 640, "height": 900})
    gallery.emulate_media(color_scheme="light")
    gallery.mouse.move(0, 0)
    draw(gallery)
    return gallery


def draw(page: Page, *props: dict, kind: str = "TimeSeries") -> None:
    page.evaluate("([kind, charts]) => draw(kind, charts)", [kind, props])
    settled(page)


def settled(page: Page) -> None:
    """Wait until the browser has drawn what it was told."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def inked(page: Page, left: float, right: float, top: float = 0, bottom: float = 1) -> int:
    """Return how many pixels of the first canvas have the first curve's colour, within shares."""
    return page.evaluate(
        """([left, right, top, bottom]) => {
          const canvas = document.querySelector("canvas");
          const over = document.querySelector(".u-over").getBoundingClientRect();
          const box = canvas.getBoundingClientRect();
          const data = canvas.getContext("2d").getImageData(
            over.left - box.left + left * over.width, over.top - box.top + top * over.height,
            (right - left) * over.width, (bottom - top) * over.height).data;
          const value = getComputedStyle(document.body).getPropertyValue("--curve-1").trim();
          const rgb = [1, 3, 5].map(i => parseInt(value.slice(i, i + 2), 16));
          let count = 0;
          for (let i = 0; i < data.length; i += 4)
            count += rgb.every((c, k) => Math.abs(data[i + k] - c) < 60) && data[i + 3] > 100;
          return count;
        }""",
        [left, right, top, bottom],
    )


def drag(page: Page, start: float, end: float) -> None:
    box = page.locator(".u-over").first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], y, steps=4)
    page.mouse.up()
    settled(page)


def test_a_single_spike_is_drawn_up_to_its_value(charts):
    draw(charts, {"title": "loss", "curves": [curve("a", [1.0] * 50 + [50.0] + [1.0] * 49)]})
    assert inked(charts, 0.45, 0.55, 0, 0.3) > 20
    assert inked(charts, 0, 0.4, 0, 0.3) == 0


def test_null_is_a_gap_and_a_point_alone_is_a_dot(charts):
    y = [1.0] * 30 + [None] * 20 + [1.0] + [None] * 49
    draw(charts, {"title": "loss", "curves": [curve("a", y)]})
    assert inked(charts, 0.05, 0.25) > 50
    assert inked(charts, 0.33, 0.47) == 0
    assert inked(charts, 0.48, 0.53) > 5


def test_new_points_are_drawn_on_the_canvas_that_is_there(charts):
    draw(charts, {"title": "loss", "curves": [{"label": "a", "x": [0], "y": [2.0]}]})
    first = charts.query_selector("canvas")
    for count in range(2, 102):
        grown = {"label": "a", "x": STEPS[:count], "y": [2.0] * count}
        charts.evaluate("c => draw('TimeSeries', [{title: 'loss', curves: [c]}])", grown)
    settled(charts)
    assert charts.locator("canvas").count() == 1
    assert charts.evaluate("canvas => canvas.isConnected", first)
    assert inked(charts, 0.9, 0.99) > 10


def test_a_zoom_is_shared_by_the_charts_of_an_axis_and_a_double_click_ends_it(charts):
    draw(charts, *({"title": title, "curves": [curve("a")]} for title in ("loss", "accuracy")))
    drag(charts, 0.4, 0.6)
    assert charts.get_by_role("button", name="all of step").count() == 2
    charts.locator(".u-over").first.dblclick()
    expect(charts.get_by_role("button", name="all of step")).to_have_count(0)


def test_the_cursor_is_shared_and_the_legend_says_the_values_there(charts):
    draw(charts, *({"title": title, "curves": [curve("a")]} for title in ("loss", "accuracy")))
    charts.locator(".u-over").first.hover()
    values = charts.locator(".chart-value").all_inner_texts()
    assert len(values) == 2
    assert all(re.fullmatch(r"1\.\d+", value) for value in values)


def test_keys_move_the_cursor_and_zoom(charts):
    draw(charts, {"title": "loss", "curves": [curve("a")]})
    chart = charts.locator(".chart-canvas")
    chart.focus()
    charts.keyboard.press("Home")
    charts.keyboard.press("ArrowRight")
    expect(charts.locator(".chart-value")).to_have_text("1.01")
    expect(charts.get_by_role("status")).to_have_text("step 10: a 1.01")
    charts.keyboard.press("+")
    expect(charts.get_by_role("button", name="all of step")).to_be_visible()
    charts.keyboard.press("0")
    expect(charts.get_by_role("button", name="all of step")).to_have_count(0)


def test_a_logarithmic_axis_says_what_it_cannot_show(charts):
    mixed = {"title": "norm", "curves": [curve("a", [-1.0] + [1.0] * 99)], "logy": True}
    negative = {"title": "gain", "curves": [curve("a", [-1.0] * 100)], "logy": True}
    draw(charts, mixed, negative)
    remarks = charts.locator(".chart-remark").all_inner_texts()
    assert remarks == [
        "1 point is at or below 0: not on a logarithmic axis.",
        "y is drawn linearly: it has no positive value.",
    ]


def test_a_hidden_curve_leaves_the_others_their_colours(charts):
    draw(charts, {"title": "loss", "curves": [curve("a"), curve("b", [5.0] * 100)]})
    charts.get_by_role("button", name="b", exact=True).click()
    expect(charts.get_by_role("button", name="b", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    settled(charts)
    assert inked(charts, 0.9, 1, 0, 0.2) > 10


def test_a_group_shows_its_interval_at_the_cursor(charts):
    group = {"label": "lr=0.1", "x": STEPS, "mean": [2.0] * 100, "low": [1.5] * 100}
    group |= {"high": [2.5] * 100, "n": 2, "trials": [1, 2]}
    members = [curve("1", [1.75] * 100, group="lr=0.1"), curve("2", [2.25] * 100, group="lr=0.1")]
    draw(charts, {"title": "loss", "curves": members, "groups": [group]})
    charts.locator(".u-over").hover()
    assert charts.locator(".chart-legend li").count() == 1
    assert charts.locator(".chart-value").inner_text() == "2 (1.5 to 2.5)"


def test_the_numbers_behind_a_chart_are_a_table(charts):
    marks = [{"x": 500, "kind": "resume", "text": "resumed as 5", "label": "a <b>"}] * 2
    curves = [curve("a <b>", [2.0, 0.5] + [1.0] * 98)]
    draw(charts, {"title": "loss", "curves": curves, "marks": marks})
    charts.get_by_role("button", name="numbers").click()
    row = charts.get_by_role("row", name=re.compile("^a <b>")).inner_text()
    assert row.split("\t") == ["a <b>", "100", "2", "1", "0.5", "10", "2", "0"]
    happened = charts.get_by_role("list", name="What happened")
    assert happened.inner_text() == "step 500: resumed as 5 (2 runs)"


def test_a_chart_is_saved_as_csv_and_as_png(charts):
    draw(charts, {"title": "eval loss", "curves": [curve('=1+"1"', [0.125] * 100)]})
    with charts.expect_download() as saved:
        charts.get_by_role("button", name="CSV").click()
    assert saved.value.suggested_filename == "eval_loss.csv"
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["curve,step,eval loss,low,high", '"\'=1+""1""",0,0.125,,']
    assert len(lines) == 101
    with charts.expect_download() as saved:
        charts.get_by_role("button", name="PNG").click()
    png = Path(saved.value.path()).read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") > 500


def test_colours_follow_the_theme(charts):
    draw(charts, {"title": "loss", "curves": [curve("a")]})
    light = charts.evaluate("getComputedStyle(document.body).getPropertyValue('--curve-1')")
    charts.emulate_media(color_scheme="dark")
    dark = charts.evaluate("getComputedStyle(document.body).getPropertyValue('--curve-1')")
    assert dark != light
    eventually(lambda: inked(charts, 0.1, 0.9) > 100, "the dark theme's colour")


def test_charts_fit_a_phone(charts):
    charts.set_viewport_size({"width": 375, "height": 700})
    names = ["a run with quite a long label that says all of its settings " * 2, "b"]
    draw(charts, {"title": "loss", "curves": [curve(name) for name in names]})
    assert charts.evaluate("document.documentElement.scrollWidth") <= 375


def test_smoothing_begins_at_the_first_value_and_keeps_gaps(charts):
    values = charts.evaluate("smoothed([4, null, 4, 1], 0.9)")
    assert values[:3] == pytest.approx([4, None, 4])
    expected = (0.9 * (0.9 * 0.4 + 0.4) + 0.1) / (1 - 0.9**3)  # bias-corrected by hand
    assert values[3] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("[0, 100], false, 5", [0, 20, 40, 60, 80, 100]),
        ("[-0.3, 0.3], false, 3", [-0.2, 0, 0.2]),
        ("[1e-6, 1e4], true, 5", [1e-6, 1e-4, 1e-2, 1, 1e2, 1e4]),
        ("[2, 40], true, 5", [2, 5, 10, 20]),
        ("[3, 4], true, 5", [3, 3.2, 3.4, 3.6, 3.8, 4]),
    ],
)
def test_ticks_are_round_numbers(charts, asked, expected):
    assert charts.evaluate(f"ticks({asked})") == pytest.approx(expected)


def test_bars_are_a_table_that_says_what_they_draw(charts):
    bars = [{"label": "trial 1", "value": 0.5, "low": 0.4, "high": 0.6, "to": "#/trial?id=1"}]
    bars += [{"label": "<i>", "value": None}]
    ceiling = {"label": "ceiling", "value": 0.8}
    draw(charts, {"title": "top-1", "bars": bars, "reference": ceiling}, kind="Bars")
    assert charts.locator("caption").inner_text() == "top-1; the line is ceiling, 0.8"
    assert charts.get_by_role("row", name="trial 1").inner_text().strip().endswith("(0.4 to 0.6)")
    assert charts.locator(".bars-bar").get_attribute("width") == "62.5%"


def test_points_of_a_scatter_are_links_that_say_where_they_are(charts):
    points = [{"x": 1, "y": 3, "label": "trial 1", "to": "#/trial?id=1", "front": True}]
    points += [{"x": 0, "y": 2, "label": "trial 2"}]
    titles = {"title": "Pareto", "xTitle": "cost", "yTitle": "loss"}
    draw(charts, {**titles, "points": points, "logx": True, "front": True}, kind="Scatter")
    assert charts.get_by_role("link", name="trial 1: cost 1, loss 3").count() == 1
    assert charts.locator(".chart-remark").inner_text().startswith("1 of 2 at or below 0")


def test_a_sparkline_says_its_ends(charts):
    draw(charts, {"values": [3, None, 1.5, 2], "label": "loss"}, kind="Sparkline")
    assert charts.get_by_role("img", name="loss: from 3 to 2, least 1.5").count() == 1


def test_a_heat_table_has_its_numbers(charts):
    values = {"rows": ["layer 1"], "columns": ["piece", "side"], "values": [[0.5, None]]}
    draw(charts, {"title": "probes", "low": 0, "high": 1, **values}, kind="Heat")
    cells = charts.locator("tbody td")
    assert cells.all_inner_texts() == ["0.5", MISSING]
    assert cells.first.get_attribute("style") == "--share: 50%;"
