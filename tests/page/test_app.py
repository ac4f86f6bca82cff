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


def test_a_plot_is_drawn_and_grows_by_the_points_that_came(host, lab):
    running = launching.launch(lab, CONFIG | {"seed": 8}).id
    in_state(lab, running, State.RUNNING)
    lab.paths.trial(running).run.mkdir(exist_ok=True)
    write_evaluations(lab, running, [3.0, 2.5])
    host.page.clock.install()
    host.show("lab_plot", {"trial_ids": [1, running], "log_y": True}, theme="dark")
    figure = host.frame.locator("figure.chart")
    expect(figure.locator("canvas")).to_have_count(1)
    expect(host.frame.locator("html")).to_have_attribute("data-theme", "dark")
    asked = host.heard("ui/initialize")
    assert [list(each) for each in asked] == [["appInfo", "appCapabilities", "protocolVersion"]]
    expect(host.frame.get_by_label("log y")).to_be_checked()
    write_evaluations(lab, running, [3.0, 2.5, 1.5])
    host.page.clock.fast_forward(11_000)
    figure.get_by_role("button", name="numbers").click()
    expect(figure.get_by_role("cell", name="1.5", exact=True).first).to_be_visible()
    curves = [asked["arguments"] for _, asked in host.calls if asked["view"] == "curves"]
    assert {arguments["trials"] for arguments in curves} == {f"1,{running}"}
    assert [arguments.get("since") is None for arguments in curves][:2] == [True, False]
    open_gate(lab, running)


def test_a_plot_that_no_calls_follow_is_drawn_as_it_was_sent(host):
    host.show("lab_plot", {"band": True, "trial_ids": [1, 2, 3, 4, 5, 6]}, passes=False)
    figure = host.frame.locator("figure.chart")
    expect(figure.get_by_role("heading")).to_have_text("val_loss")
    expect(figure).to_contain_text("lr=0.001 (seeds: 3)")
    assert host.calls == []


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
    host.notify("tool-cancelled", {"reason": "of another call"})
    host.notify("host-context-changed", {"theme": "dark"})
    expect(host.frame.locator("html")).to_have_attribute("data-theme", "dark")
    expect(host.frame.get_by_text("other")).to_have_count(0)
    heights = [size["height"] for size in host.heard("ui/notifications/size-changed")]
    assert heights[-1] > 100
    assert host.calls == []
