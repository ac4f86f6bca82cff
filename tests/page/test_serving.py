"""A page over a server: what an agent does is seen at once, and so are runs that no lab owns."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from lines_of_clients import INITIALIZE
from playwright.sync_api import Page, expect
from run_folders import write_run
from served_lab import served

from pawn_lab.dashboard.bare import BareExhibit
from pawn_lab.lab import Lab

HOSTILE = "<img src=x onerror=\"document.title='run'\">"


def call_as_agent(url: str, tool: str, arguments: dict[str, Any]) -> str:
    """Call a tool over MCP and return what came back."""
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    session = httpx2.post(f"{url}/mcp", content=INITIALIZE, headers=headers).headers
    headers["Mcp-Session-Id"] = session["mcp-session-id"]
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call"}
    call |= {"params": {"name": tool, "arguments": arguments}}
    return httpx2.post(f"{url}/mcp", json=call, headers=headers).text


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """Servers that outlive the pages of a test that asks for these first."""
    with ExitStack() as servers:
        yield servers


def test_what_an_agent_does_is_seen_by_a_page_that_is_open(
    servers: ExitStack, browser_page: Page, tmp_path
):
    Lab.open(tmp_path / "runs").close()
    url = servers.enter_context(served(tmp_path / "runs", agents=True))
    browser_page.goto(url)
    browser_page.get_by_role("heading", name="Devices").wait_for()
    priced = browser_page.get_by_text("the machine costs 2.5 an hour")
    expect(priced).to_have_count(0)
    assert '"cost_per_hour":2.5' in call_as_agent(url, "lab_set_cost", {"cost_per_hour": 2.5})
    expect(priced.first).to_be_visible()


def test_runs_of_no_lab_are_shown_with_any_name_and_leave_with_their_folder(
    servers: ExitStack, browser_page: Page, tmp_path
):
    write_run(tmp_path / HOSTILE)
    write_run(tmp_path / "other", outcome=None)
    exhibit = BareExhibit(tmp_path)
    url = servers.enter_context(served(exhibit))
    for address in ("#/trials", "#/trial?id=1", "#/overview"):
        browser_page.goto(f"{url}/{address}")
        expect(browser_page.get_by_text(HOSTILE).first).to_be_visible()
    shutil.rmtree(tmp_path / HOSTILE)
    exhibit.advance()
    expect(browser_page.get_by_text(HOSTILE)).to_have_count(0)
    expect(browser_page.get_by_text("other").first).to_be_visible()
    assert browser_page.title() != "run"
