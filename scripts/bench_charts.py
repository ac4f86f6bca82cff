"""Compare uPlot, which pages are drawn with, against Vega as a Markdown table.

Size, first draw, update and linked zoom of six charts of twenty curves of a thousand points in
Chromium. Vega is the bundle inside vl_convert, run without eval as a page's policy demands. Medians
over the rounds, milliseconds until drawn.
"""

import gzip
import importlib
import json
import shutil
import sys
from statistics import median

import numpy as np
from playwright.sync_api import Page, sync_playwright

from pawn_lab.page.bundle import STATIC

CHARTS, CURVES, POINTS, NEW, ROUNDS = 6, 20, 1000, 10, 9
SIZE = {"width": 420, "height": 240}
vl_convert = importlib.import_module("vl_convert")
"""Brought by altair[save], which is what is declared."""
UPLOT = STATIC / "vendor" / "uplot.js"

MEASURE = """
async (rounds) => {
  const spent = { draw: [], update: [], zoom: [] };
  const timed = async (what, work) => {
    const start = performance.now();
    await work();
    spent[what].push(performance.now() - start);
  };
  for (let round = 0; round < rounds; round++) {
    document.body.replaceChildren();
    let charts;
    await timed("draw", async () => { charts = await drawn(tables); });
    await timed("update", () => longer(charts));
    await timed("zoom", () => zoomed(charts, 300, 600));
  }
  return spent;
}
"""
WITH_UPLOT = """
const options = () => ({...size, legend: {show: false}, scales: {x: {time: false}},
  series: [{}, ...tables[0].slice(1).map((_, i) => ({stroke: `hsl(${i * 18} 70% 40%)`,
                                                     points: {show: false}}))]});
const settled = () => new Promise(resolve => setTimeout(resolve, 0));
async function drawn(tables) {
  const charts = tables.map(table => new uPlot(options(), table, document.body));
  await settled();
  return charts;
}
async function longer(charts) {
  charts.forEach((chart, i) => chart.setData(longerTables[i]));
  await settled();
}
async function zoomed(charts, min, max) {
  charts.forEach(chart => chart.setScale("x", {min, max}));
  await settled();
}
"""
WITH_VEGA = """
const rows = table => table.slice(1).flatMap((ys, curve) =>
  ys.map((y, i) => ({x: table[0][i], y, curve})));
const spec = {...size, data: {name: "points"}, mark: {type: "line", clip: true},
  params: [{name: "from", value: 0}, {name: "to", value: 1010}],
  encoding: {x: {field: "x", type: "quantitative",
                 scale: {domainMin: {expr: "from"}, domainMax: {expr: "to"}, nice: false}},
             y: {field: "y", type: "quantitative"},
             color: {field: "curve", type: "nominal", legend: null}}};
async function drawn(tables) {
  return Promise.all(tables.map(async table => {
    const target = document.body.appendChild(document.createElement("div"));
    const options = {ast: true, actions: false, renderer: "canvas"};
    const {view} = await vegaEmbed(target, {...spec, datasets: {points: rows(table)}}, options);
    return view;
  }));
}
const longer = charts => Promise.all(charts.map((view, i) => {
  const more = rows(longerTables[i]).filter(row => row.x >= points);
  return view.insert("points", more).runAsync();
}));
const zoomed = (charts, min, max) => Promise.all(charts.map(
  view => view.signal("from", min).signal("to", max).runAsync()));
"""


def tables(points: int, seed: int = 0) -> list[list[list[float]]]:
    """Return for each chart x and its curves: falling losses with noise."""
    rng = np.random.default_rng(seed)
    steps = np.arange(POINTS + NEW, dtype=float)
    noise = rng.normal(0, 0.05, (CHARTS, CURVES, POINTS + NEW))
    loss = 3 + 2 * np.exp(-steps / 200) + noise
    return [[steps[:points].tolist(), *chart[:, :points].round(4).tolist()] for chart in loss]


def measured(browser_page: Page, script: str, drawing: str) -> dict[str, float]:
    """Return the median milliseconds of each kind of work with a library."""
    browser_page.set_content("<!doctype html><body></body>")
    browser_page.add_script_tag(content=script)
    longer = tables(POINTS + NEW)
    given = {"tables": tables(POINTS), "longerTables": longer, "points": POINTS, "size": SIZE}
    values = "".join(f"const {name} = {json.dumps(value)};" for name, value in given.items())
    browser_page.add_script_tag(content=values + drawing)
    spent = browser_page.evaluate(MEASURE, ROUNDS)
    return {what: median(times) for what, times in spent.items()}


def main() -> int:
    """Print the table."""
    scripts = {
        "uPlot": (UPLOT.read_text(encoding="utf-8"), WITH_UPLOT),
        "Vega": (vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"), WITH_VEGA),
    }
    print(f"| {CHARTS} charts of {CURVES} curves of {POINTS:,} points | script | gzip |", end="")
    print(f" first draw | {NEW} new points | linked zoom |\n|---|---|---|---|---|---|")
    with (
        sync_playwright() as driver,
        driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        ) as browser,
    ):
        for name, (script, drawing) in scripts.items():
            times = measured(browser.new_page(), script, drawing)
            sizes = [len(script.encode()), len(gzip.compress(script.encode()))]
            cells = [*(f"{size / 1000:.0f} kB" for size in sizes)]
            cells += [f"{times[what]:.0f} ms" for what in ("draw", "update", "zoom")]
            print(f"| {name} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
