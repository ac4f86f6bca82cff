"""The page inside an MCP host: it draws one answer, follows the lab and lets a person decide."""

from collections.abc import Iterator

import pytest
from app_host import AppHost, app_host
from lab_testing import (
    CONFIG,
    add_measured_trial,
    in_state,
    open_gate,
    write_evaluations,
)
from playwright.sync_api import Page, expect

from pawn_lab.lab import Lab, launching, queries
from pawn_lab.states import State

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def lab(open_lab) -> Lab:
    """Two settings of three seeds."""
    lab = open_lab("gate")
    for lr, losses in ((1e-3, [3.0, 2.5, 2.2]), (1e-4, [3.1, 2.9, 2.8])):
        for seed in range(3):
            add_measured_trial(lab, [loss + seed / 100 for loss in losses], lr=lr, seed=seed)
    return lab


@pytest.fixture
def host(browser_page: Page, lab: Lab) -> Iterator[AppHost]:
    with app_host(browser_page, lab.paths.root) as host:
        yield host


def test_a_plot_is_drawn_and_follows_the_trial_by_its_cursor(host, lab):
    host.page.clock.install()
    host.show("lab_plot", {"trial_ids": [1, 4]}, theme="dark")
    figure = host.frame.locator("figure.chart")
    expect(figure.get_by_role("heading")).to_have_text("val_loss")
    expect(figure.locator("canvas")).to_have_count(1)
    expect(host.frame.locator("html")).to_have_attribute("data-theme", "dark")
    asked = host.heard("ui/initialize")
    assert [list(each) for each in asked] == [["appInfo", "appCapabilities", "protocolVersion"]]
    host.frame.get_by_role("button", name="Refresh").click()
    host.page.wait_for_function("heard.filter((m) => m.method === 'tools/call').length === 1")
    [(tool, arguments)] = host.calls
    assert (tool, arguments["trial_ids"]) == ("lab_plot", [1, 4])
    assert arguments["since"]
    write_evaluations(lab, 1, [3.0, 2.5, 2.2, 1.5])
    host.page.clock.fast_forward(31_000)
    figure.get_by_role("button", name="numbers").click()
    expect(figure.get_by_role("cell", name="1.5", exact=True).last).to_be_visible()


def test_a_person_approves_and_stops_trials_from_the_status(host, lab):
    running = launching.launch(lab, CONFIG | {"seed": 8}).id
    in_state(lab, running, State.RUNNING)
    held = launching.launch(lab, CONFIG | {"seed": 9}, hold=True, tags=[HOSTILE]).id
    host.show("lab_status", {})
    holds = host.frame.get_by_role("region", name="Waiting for your approval")
    expect(holds).to_contain_text(HOSTILE)
    holds.get_by_role("button", name="Approve").click()
    dialog = host.frame.get_by_role("dialog")
    dialog.get_by_role("button", name="Approve").click()
    expect(dialog).to_contain_text("the lab answers")
    in_state(lab, held, State.RUNNING)
    dialog.get_by_role("button", name="Close").last.click()
    expect(dialog).to_have_count(0)
    host.frame.get_by_role("button", name="Refresh").click()
    expect(holds).to_have_count(0)
    host.frame.get_by_role("button", name=f"Stop trial {running}").click()
    dialog.get_by_label("Why").fill("loss climbs")
    dialog.get_by_role("button", name="Stop").click()
    expect(dialog).to_contain_text("the lab answers")
    events = {event.kind: event for event in queries.events(lab, limit=500).events}
    assert events["kill_requested"].message.startswith("loss climbs, asked by ")
    assert events["approved"].data["by"].endswith("by its page")
    open_gate(lab, held), open_gate(lab, running)


def test_a_comparison_shows_its_verdict_and_its_links_lead_within_the_page(host):
    host.show("lab_compare", {"factor": "lr"})
    expect(host.frame.locator(".verdict")).to_contain_text("lr=0.001")
    host.frame.locator("a[href^='#/trial']").first.click()
    expect(host.frame.get_by_role("button", name="← Back")).to_be_visible()
    expect(host.frame.locator("dl.facts").first).to_contain_text("created")
    host.frame.get_by_role("button", name="← Back").click()
    expect(host.frame.locator(".verdict")).to_contain_text("lr=0.001")


def test_a_host_that_passes_no_calls_on_sees_the_first_answer_without_buttons(host):
    host.show("lab_status", {}, passes=False)
    expect(host.frame.get_by_text("As it was when it was asked for.")).to_be_visible()
    for name in ("Refresh", "Stop", "Approve"):
        expect(host.frame.get_by_role("button", name=name)).to_have_count(0)
    other = {
        "content": [{"type": "text", "text": "{}"}],
        "structuredContent": {"headline": "other"},
    }
    host.notify("tool-result", other)
    host.notify("host-context-changed", {"theme": "dark"})
    expect(host.frame.locator("html")).to_have_attribute("data-theme", "dark")
    expect(host.frame.get_by_text("other", exact=True)).to_have_count(0)
    heights = [size["height"] for size in host.heard("ui/notifications/size-changed")]
    assert heights[-1] > 100
    assert host.calls == []
