"""The board: a link keeps the view; moves by mouse, keys, text; what a model expects and reads."""

import re
from collections.abc import Iterator

import httpx2
import pytest
from boards import add_player
from playwright.sync_api import Page, expect
from served_lab import served

from pawn_lab.lab import Lab

GAME = "e2e4,e7e5,g1f3,b8c6,f1b5"
HOSTILE = "<script>document.title='run'</script>"
START_S = 120.0


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    """A dashboard of a trial with the weights of two steps."""
    root = tmp_path_factory.mktemp("board") / "runs"
    with Lab.open(root) as lab:
        add_player(lab, steps=(100, 200))
    with served(root) as url:
        # torch is slow to import on a busy machine: before any page waits for it.
        started = httpx2.post(f"{url}/api/board/game", json={"moves": []}, timeout=START_S)
        assert started.status_code == 200
        yield url


def board(page: Page):
    return page.get_by_role("application")


def men(page: Page) -> str:
    """Return the men of the board that is played on, a1 first."""
    found = board(page).locator("[data-man]")
    by_square = dict(found.evaluate_all("all => all.map(e => [e.dataset.square, e.dataset.man])"))
    return "".join(by_square.get(str(square), ".") for square in range(64))


def moves_in(page: Page) -> list[str]:
    found = re.search(r"[?&]moves=([^&]*)", page.url)
    return found[1].split(",") if found else []


def test_a_link_keeps_checkpoint_moves_and_ply(url: str, common_page: Page):
    common_page.goto(f"{url}/#/board?source=trial:1@100&moves={GAME}&ply=3")
    expect(common_page.get_by_text("step 100,")).to_be_visible()
    assert men(common_page)[:32] == "RNBQKB.RPPPP.PPP.....N......P..."
    expect(common_page.get_by_text("ply 3 of 5")).to_be_visible()
    expect(common_page.locator(".arrow.played")).to_have_count(1)
    assert common_page.locator(".arrow.expected").count() > 0
    rows = common_page.locator(".expectations tbody tr:not(.bad)")
    expect(rows).to_have_count(12)
    expect(common_page.locator(".expectations tbody tr.bad").first).to_contain_text("illegal")
    expect(common_page.get_by_text("random play over 29 legal moves")).to_be_visible()
    common_page.get_by_role("button", name="Show all 29 legal moves").click()
    expect(rows).to_have_count(29)
    common_page.get_by_role("slider", name="Ply").press("ArrowRight")
    expect(common_page.get_by_text("ply 4 of 5")).to_be_visible()
    expect(common_page.get_by_text("random play over 27 legal moves")).to_be_visible()
    assert "ply=4" in common_page.url


def test_moves_are_made_by_mouse_keys_and_text_and_taken_back_by_the_browser(
    url: str, common_page: Page
):
    common_page.goto(f"{url}/#/board")
    expect(common_page.get_by_text("ply 0 of 0")).to_be_visible()
    expect(common_page.locator("[aria-busy=true]")).to_have_count(0)
    assert "source=trial:1@200" in common_page.url
    board(common_page).locator("path[data-square='12']").click()
    common_page.locator(".target[data-square='28']").click()
    expect(common_page.get_by_text("ply 1 of 1")).to_be_visible()
    common_page.get_by_label("Move", exact=True).fill("Nf6")
    common_page.get_by_label("Move", exact=True).press("Enter")
    expect(common_page.get_by_text("ply 2 of 2")).to_be_visible()
    expect(board(common_page)).to_have_attribute("aria-label", "The board, White to move")
    expect(common_page.locator("[aria-busy=true]")).to_have_count(0)
    board(common_page).focus()
    for key in ("ArrowRight", "Enter", "ArrowUp", "ArrowUp", "ArrowRight", "Enter"):
        board(common_page).press(key)
    expect(common_page.get_by_text("ply 3 of 3")).to_be_visible()
    assert moves_in(common_page) == ["e2e4", "g8f6", "b1c3"]
    common_page.get_by_label("Move", exact=True).fill("e9")
    common_page.get_by_label("Move", exact=True).press("Enter")
    expect(common_page.get_by_role("alert")).to_have_text("e9 is no legal move here")
    common_page.go_back()
    expect(common_page.get_by_text("ply 2 of 2")).to_be_visible()


def test_the_model_answers_where_it_has_a_side(url: str, common_page: Page):
    common_page.goto(f"{url}/#/board?source=trial:1@200&plays=black&moves=e2e4")
    expect(common_page.get_by_text("ply 2 of 2")).to_be_visible()
    assert moves_in(common_page)[0] == "e2e4"
    common_page.get_by_role("button", name="Model moves").click()
    expect(common_page.get_by_text("ply 4 of 4")).to_be_visible()


def test_squares_that_are_read_wrongly_are_marked_and_listed(url: str, common_page: Page):
    address = f"{url}/#/board?source=trial:1@200&moves={GAME}&probes=true&curve=true"
    common_page.goto(address)
    marked = common_page.locator(".wrong")
    marked.first.wait_for()
    told = common_page.get_by_text(re.compile(r"\d+ of 64 squares wrong"))
    assert int(told.inner_text().split()[0]) == marked.count() > 0
    common_page.get_by_text("Squares that are read wrongly").click()
    expect(common_page.locator("details[open] tbody tr")).to_have_count(marked.count())
    expect(common_page.get_by_text("fitted here in closed form")).to_be_visible()
    common_page.get_by_label("Layer").select_option("0")
    expect(common_page.get_by_text("ply 5 of 5")).to_be_visible()
    assert "layer=0" in common_page.url
    expect(common_page.locator("canvas")).to_have_count(2)


@pytest.mark.parametrize(("width", "theme"), [(375, "dark"), (2560, "light")])
def test_nothing_runs_over_the_edge_and_text_of_others_is_shown(
    url: str, common_page: Page, width: int, theme
):
    common_page.set_viewport_size({"width": width, "height": 800})
    common_page.emulate_media(color_scheme=theme)
    common_page.goto(f"{url}/#/board?source=trial:1@200&moves={GAME}")
    expect(common_page.locator(".expectations")).to_be_visible()
    assert common_page.evaluate("document.documentElement.scrollWidth") <= width
    common_page.get_by_role("button", name="PGN").click()
    text = f'[White "{HOSTILE}"]\n\n1. e4 e5 *\n\n[White "B"]\n\n1. d4 *\n'
    common_page.get_by_role("textbox", name="PGN").fill(text)
    common_page.get_by_role("button", name="Read").click()
    common_page.get_by_role("button", name=f"{HOSTILE} against ?, 2 plies").click()
    expect(common_page.get_by_text("ply 0 of 2")).to_be_visible()
    assert moves_in(common_page) == ["e2e4", "e7e5"]
    assert common_page.title() != "run"
