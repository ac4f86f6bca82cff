"""What is around each page: navigation, keys, the address, the token, one stream for all tabs."""

from collections.abc import Iterator

import pytest
from lab_testing import CONFIG, add_ended_trial
from playwright.sync_api import BrowserContext, Page, expect
from served_lab import served

from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.lab import Lab, notebook, opener

TOKEN = "a-secret-of-some-length"
PAGES = ("Overview", "Trials", "Curves", "Compare", "Sweeps", "Board", "Notes", "Launch")
SERVER_ENDS = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
"""What a browser says of a server that ends before its page."""
HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A lab of one trial and one note."""
    root = tmp_path_factory.mktemp("shell") / "runs"
    with Lab.open(root) as lab:
        add_ended_trial(lab, CONFIG)
        notebook.append(lab, f"noted {HOSTILE}", section=HOSTILE)
    return root


@pytest.fixture(scope="module")
def url(root) -> Iterator[str]:
    with served(root) as url:
        yield url


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Iterator[str]:
    """A lab of nothing."""
    root = tmp_path_factory.mktemp("empty") / "runs"
    Lab.open(root).close()
    with served(root) as url:
        yield url


def heading(page: Page):
    return page.get_by_role("heading", level=1)


@pytest.mark.parametrize("lab", ["url", "empty"])
def test_every_page_is_reached_by_keys_alone(browser_page: Page, request, lab: str):
    browser_page.goto(request.getfixturevalue(lab))
    heading(browser_page).wait_for()
    for title in PAGES:
        key = {"Compare": "m"}.get(title, title[0].lower())
        browser_page.keyboard.press("g")
        browser_page.keyboard.press(key)
        expect(heading(browser_page)).to_contain_text(title)
        expect(browser_page.locator("nav [aria-current=page]").first).to_have_text(title)
        expect(browser_page.locator("[role=alert]")).to_have_count(0)
    assert "run" not in browser_page.title().split()


def test_keys_are_listed_and_do_nothing_in_a_field(browser_page: Page, url: str):
    browser_page.goto(f"{url}/#/notes")
    field = browser_page.locator("main input").first
    field.press("?")
    expect(field).to_have_value("?")
    field.blur()
    browser_page.keyboard.press("?")
    expect(browser_page.get_by_role("dialog", name="Keys")).to_be_visible()
    browser_page.keyboard.press("Escape")
    expect(browser_page.get_by_role("dialog")).to_have_count(0)


def test_the_content_is_one_key_from_the_top(browser_page: Page, url: str):
    browser_page.goto(url)
    heading(browser_page).wait_for()
    browser_page.keyboard.press("Tab")
    browser_page.keyboard.press("Enter")
    expect(browser_page.locator("main")).to_be_focused()
    assert browser_page.url.rstrip("/") == url


def test_a_link_opens_its_page_and_back_and_forward_work(browser_page: Page, url: str):
    browser_page.goto(f"{url}/#/sweeps?q=a%26b,c")
    expect(heading(browser_page)).to_have_text("Sweeps")
    browser_page.get_by_role("link", name="Notes").click()
    expect(heading(browser_page)).to_have_text("Notes")
    browser_page.go_back()
    expect(heading(browser_page)).to_have_text("Sweeps")
    assert browser_page.url.endswith("#/sweeps?q=a%26b,c")
    browser_page.go_forward()
    expect(heading(browser_page)).to_have_text("Notes")


def test_a_theme_is_kept(browser_page: Page, url: str):
    browser_page.emulate_media(color_scheme="light")
    browser_page.goto(url)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = browser_page.evaluate(ground)
    for _ in range(2):
        browser_page.get_by_role("button", name="Colours").click()
    dark = browser_page.evaluate(ground)
    assert light != dark
    browser_page.reload()
    heading(browser_page).wait_for()
    assert browser_page.evaluate(ground) == dark


@pytest.mark.parametrize("width", [375, 2560])
def test_no_page_is_wider_than_its_screen(browser_page: Page, url: str, width: int):
    browser_page.set_viewport_size({"width": width, "height": 800})
    for title in PAGES:
        browser_page.goto(f"{url}/#/{title.lower()}")
        expect(heading(browser_page)).to_contain_text(title)
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= width, title


def test_the_token_is_asked_for_and_stays_out_of_the_address(
    context: BrowserContext, root, tolerated: list[str]
):
    tolerated += ["401", *SERVER_ENDS]
    with served(root, TOKEN, reading_is_open=False) as url:
        asked = context.new_page()
        asked.goto(f"{url}/#/notes")
        for given in ("wrong", TOKEN):
            asked.get_by_label("Token").fill(given)
            asked.get_by_role("button", name="Continue").click()
        expect(heading(asked)).to_have_text("Notes")
        linked = context.new_page()
        linked.goto(f"{url}/#token={TOKEN}")
        expect(heading(linked)).to_have_text("Overview")
        assert TOKEN not in linked.url
        assert linked.evaluate("Object.values(localStorage).join()") == ""


def test_many_tabs_share_one_stream_and_all_hear_of_a_change(
    context: BrowserContext, root, tolerated
):
    """A browser has six connections to a server: the seventh tab would hang."""
    tolerated += SERVER_ENDS
    streams: list[str] = []
    context.on("request", lambda r: r.url.endswith("/api/stream") and streams.append(r.url))
    exhibit = Exhibit(opener(root))
    with served(exhibit) as url:
        tabs = [context.new_page() for _ in range(8)]
        for tab in tabs:
            tab.goto(f"{url}/#/notes")
            expect(tab.locator(".connection")).to_have_text("● live")
        with exhibit.open() as lab:
            notebook.append(lab, "heard by all", section="Later")
        for tab in tabs:
            expect(tab.locator("main")).to_contain_text("heard by all")
    assert len(streams) == 1


def test_a_page_says_that_its_server_is_gone(browser_page: Page, root, tolerated: list[str]):
    tolerated += SERVER_ENDS
    with served(root) as url:
        browser_page.goto(url)
        expect(browser_page.locator(".connection")).to_have_text("● live")
    expect(browser_page.locator(".connection")).to_contain_text("not connected · data")
