"""The report as a person opens it: one file, without a server or a network."""

from typing import Any

import pytest
from curve_labs import add_trial, append
from playwright.sync_api import Page, expect

from pawn_lab.lab import Lab, storing
from pawn_lab.tools.report import lab_report

TAG = "<script>document.title='run'</script>"
HOSTILE = f"{TAG}<img src=x onerror=\"document.title='run'\">"


def evaluation(step: int) -> dict[str, Any]:
    return {"type": "eval", "step": step, "time": 1.7e9 + step, "val_loss": 1 / step}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """The address of the report of two trials, whose hypotheses would run if they could."""
    root = tmp_path_factory.mktemp("report") / "runs"
    with Lab.open(root) as lab:
        for lr in (1e-3, 1e-4):
            trial = add_trial(lab, [1 / step for step in range(1, 200)], lr=lr)
            append(lab, trial, [evaluation(step) for step in range(10, 200, 10)])
        storing.tag(lab, [1], add=[TAG])
        answer = lab_report(lab, question=f"Which rate? {HOSTILE}")
    return (root / answer.html).as_uri()


def test_a_report_opens_without_a_server_and_shows_text_as_text(browser_page: Page, report: str):
    browser_page.goto(report)
    expect(browser_page.get_by_role("heading", level=1)).to_have_text("Study of 2 trials")
    expect(browser_page.locator("#section-1")).to_contain_text(f"Which rate? {HOSTILE}")
    expect(browser_page.get_by_role("heading", name="Curves")).to_be_visible()
    browser_page.locator("canvas").first.wait_for()
    assert browser_page.title() == "Study of 2 trials"


def test_its_tables_sort_by_a_click(browser_page: Page, report: str):
    browser_page.goto(report)
    table = browser_page.get_by_role("table", name="Trials")
    for numbers in (["1", "2"], ["2", "1"]):
        table.get_by_role("button", name="trial_id").click()
        expect(table.locator("tbody td:first-child")).to_have_text(numbers)


def test_it_is_read_on_a_phone_in_the_dark_and_on_paper(browser_page: Page, report: str):
    browser_page.emulate_media(color_scheme="dark")
    browser_page.set_viewport_size({"width": 375, "height": 800})
    browser_page.goto(report)
    browser_page.locator("canvas").first.wait_for()
    assert browser_page.evaluate("document.documentElement.scrollWidth") <= 375
    browser_page.emulate_media(media="print")
    expect(browser_page.get_by_role("navigation", name="Contents")).to_be_hidden()
    assert browser_page.pdf()
