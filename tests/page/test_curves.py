"""The page of curves, over a lab of three settings with three seeds each."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from curve_labs import add_trial, append, train
from lab_testing import CONFIG, add_running_trial, eventually
from past_trials import resolved
from playwright.sync_api import Page, expect
from served_lab import served

from pawn_lab.lab import Lab
from pawn_lab.tools.tag import lab_tag

LRS = (1e-3, 3e-3, 1e-2)
RECORDS = 60
HOSTILE = "<script>document.title='taken'</script>"


class Shown(NamedTuple):
    """A served lab and the numbers of its trials."""

    url: str
    lab: Lab
    trials: list[int]


def losses(lr: float, seed: int) -> list[float]:
    return [2 + 100 * lr + 0.01 * seed + 1 / step for step in range(1, RECORDS + 1)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> Iterator[Shown]:
    root = tmp_path_factory.mktemp("curves") / "runs"
    with Lab.open(root) as lab:
        trials = [
            add_trial(lab, losses(lr, seed), lr=lr, seed=seed) for lr in LRS for seed in range(3)
        ]
        lab_tag(lab, [trials[0]], add=[HOSTILE, "two words"])
        with served(root) as url:
            yield Shown(url, lab, trials)


@pytest.fixture
def page(shown: Shown, common_page: Page) -> Page:
    """The page of curves as a link without choices has it."""
    common_page.set_viewport_size({"width": 1280, "height": 900})
    common_page.goto(f"{shown.url}/#/notes")  # forgets what the page before had open
    go(common_page, shown, "metric=loss")
    return common_page


def go(page: Page, shown: Shown, choices: str) -> None:
    """Open the page by a link, and wait for its charts."""
    page.goto(f"{shown.url}/#/curves?{choices}")
    expect(page.locator(".chart-canvas").first).to_be_visible()


def labels(page: Page) -> list[str]:
    return page.locator(".chart").first.locator(".chart-label").all_inner_texts()


def drag(page: Page) -> None:
    """Zoom to the middle of the first chart."""
    box = page.locator(".u-over").first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], y, steps=3)
    page.mouse.up()


def test_seeds_are_drawn_as_groups_and_alone_where_wanted(page):
    assert labels(page) == ["lr=0.001", "lr=0.003", "lr=0.01"]
    page.get_by_label("groups of seeds").uncheck()
    expect(page.locator(".chart-label")).to_have_count(9)
    assert "group=0" in page.url


def test_a_link_keeps_the_view(page, shown):
    drag(page)
    page.get_by_label("log y").check()
    page.get_by_role("button", name="lr=0.01", exact=True).click()
    page.get_by_label("smoothing").fill("0.5")
    link = page.url
    page.goto("about:blank")
    go(page, shown, link.partition("?")[2])
    expect(page.get_by_role("button", name="all of step")).to_be_visible()
    expect(page.get_by_label("log y")).to_be_checked()
    assert page.get_by_label("smoothing").input_value() == "0.5"
    hidden = page.get_by_role("button", name="lr=0.01", exact=True)
    expect(hidden).to_have_attribute("aria-pressed", "false")


def test_back_ends_a_zoom(page):
    drag(page)
    expect(page.get_by_role("button", name="all of step")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="all of step")).to_have_count(0)


def test_a_filter_by_setting_chooses_trials(page):
    page.get_by_label("trials", exact=True).fill("lr<0.005")
    expect(page.locator(".chart-label")).to_have_count(2)
    page.get_by_label("trials", exact=True).fill("colour=red")
    expect(page.get_by_role("alert")).to_contain_text("no column 'colour'")


def test_a_tag_chooses_trials_and_is_text_whatever_it_holds(page, shown):
    page.get_by_role("combobox", name="tag").select_option(HOSTILE)
    expect(page.get_by_text("1 of 9 trials")).to_be_visible()
    page.get_by_text("1 of 9 trials").click()
    expect(page.get_by_text(HOSTILE).last).to_be_visible()
    assert page.title() != "taken"


def test_ticked_trials_are_in_the_address(page, shown):
    go(page, shown, f"metric=loss&trials={shown.trials[0]}")
    page.get_by_text("1 of 9 trials").click()
    page.locator(".curves-ticks input").first.check()
    expect(page.locator(".chart-label")).to_have_count(2)
    assert page.url.endswith(f"trials={shown.trials[0]},{shown.trials[-1]}")


@pytest.mark.parametrize(
    ("chosen", "title"),
    [("tokens", "tokens"), ("hours", "device-hours"), ("metric:step_s", "step_s")],
)
def test_x_may_be_what_it_took_or_a_metric(page, chosen, title):
    page.get_by_role("combobox", name="x", exact=True).select_option(chosen)
    chart = page.get_by_role("img", name=f"training loss (nats per token) by {title}: 3 curves")
    expect(chart).to_be_visible()


def test_metrics_are_chosen_by_panel(page):
    page.get_by_text("Metrics: ").click()
    page.get_by_role("checkbox", name="step_s").check()
    expect(page.locator(".chart")).to_have_count(2)


def test_the_page_fits_a_phone(page):
    page.set_viewport_size({"width": 375, "height": 700})
    page.get_by_text("Metrics: ").click()
    expect(page.locator(".chart-canvas").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_of_many_trials_the_page_says_which_are_drawn(page, tmp_path):
    root = tmp_path / "runs"
    with Lab.open(root) as lab:
        for lr in LRS * 18:
            add_trial(lab, [3.0, 2.0], lr=lr)
    with served(root) as url:
        page.goto(f"{url}/#/curves?metric=loss")
        expect(page.locator(".chart-label")).to_have_count(3)
        page.get_by_label("groups of seeds").uncheck()
        expect(page.locator(".chart-label")).to_have_count(50)
        expect(page.get_by_text("Of 54 trials the 50 newest are drawn: 5 to 54.")).to_be_visible()
        page.goto("about:blank")


def test_without_a_choice_the_newest_settings_are_drawn_with_all_their_seeds(page, tmp_path):
    with Lab.open(tmp_path / "runs") as lab:
        seeds = [(setting, seed) for seed in range(2) for setting in range(30)]
        for setting, seed in seeds:
            add_trial(lab, [2.0, 1.0], lr=1e-3 * (setting + 1), seed=seed)
    with served(tmp_path / "runs") as url:
        page.goto(f"{url}/#/curves?metric=loss")
        note = "Of 60 trials those of the newest settings are drawn: 36 to 60, 6 to 30."
        expect(page.get_by_text(note)).to_be_visible()
        expect(page.locator(".chart-label")).to_have_count(25)
        page.get_by_role("button", name="draw all").click()
        expect(page.locator(".chart-label")).to_have_count(30)
        assert "every=true" in page.url
        page.goto("about:blank")


def test_new_points_are_drawn_while_one_looks_and_only_they_are_sent(page, tmp_path):
    root = tmp_path / "runs"
    with Lab.open(root) as lab, add_running_trial(lab, resolved(**CONFIG)) as (trial, _):
        append(lab, trial, [train(step, loss=3.0) for step in range(1, 61)])
        with served(root) as url:
            page.goto(f"{url}/#/curves?metric=loss")
            page.get_by_role("button", name="numbers").click()
            expect(page.locator(".chart-numbers td").first).to_have_text("60")
            canvas = page.query_selector("canvas")
            with page.expect_response(re.compile("view/curves.*since=")) as sent:
                append(lab, trial, [train(step, loss=2.5) for step in range(61, 81)])
            assert [len(curve["x"]) for curve in sent.value.json()["curves"]] == [20]
            expect(page.locator(".chart-numbers td").first).to_have_text("80")
            assert page.evaluate("canvas => canvas.isConnected", canvas)
            page.goto("about:blank")


def test_a_zoom_reads_the_points_that_were_thinned(page, tmp_path):
    root = tmp_path / "runs"
    with Lab.open(root) as lab:
        add_trial(lab, [3 + (step % 7) / 10 for step in range(3000)])
    with served(root) as url:
        page.goto(f"{url}/#/curves?metric=loss")
        expect(page.get_by_text("Thinned from up to 3,000 points")).to_be_visible()
        assert len(saved_steps(page)) <= 1000
        with page.expect_response(re.compile("view/curves.*low=")):
            page.goto(f"{url}/#/curves?metric=loss&zoom=1001..1200")
        eventually(lambda: saved_steps(page) >= set(range(1001, 1201)), "points of the zoom")
        page.goto("about:blank")


def saved_steps(page: Page) -> set[int]:
    """Return the steps of the points that the first chart saves."""
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    rows = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()[1:]
    return {int(row.split(",")[1]) for row in rows}
