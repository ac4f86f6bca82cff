"""The pages of trials, comparisons, sweeps and notes, in a browser over a lab's own server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_testing import CONFIG, add_measured_trial
from past_trials import resolved
from playwright.sync_api import Page, expect
from served_lab import served

from pawn_lab.lab import Lab, notebook, queries, sweeping
from pawn_lab.store import trials
from pawn_lab.tools.tag import lab_tag
from pawn_lab.trials import launches

TOKEN = "a-token-of-this-test"
SCRIPT = "<script>document.title='run'</script>"
PHONE = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the lab lies."""
    return tmp_path_factory.mktemp("tables") / "runs"


@pytest.fixture(scope="module")
def address(workspace: Path) -> Iterator[str]:
    """A lab of two learning rates with three seeds each, a sweep of them, two notes; with a token.

    The trials have run before the sweep is made, which takes them as its own.
    """
    with Lab.open(workspace) as lab:
        lab.create()
        for rate, loss in ((1e-3, 3.0), (1e-4, 3.5)):
            for seed in range(3):
                make_known(
                    lab, add_measured_trial(lab, [loss + 1, loss + seed / 100], lr=rate, seed=seed)
                )
        plan = {"config": CONFIG, "space": {"lr": [1e-4, 1e-3]}, "seeds": 3, "hypothesis": SCRIPT}
        assert sweeping.start(lab, plan)[0].state == "completed"
        notebook.append(lab, "Trials 1 and 4 share a seed.", "Seeds")
        notebook.append(lab, SCRIPT)
        with lab.database.write() as tx:
            tx.update("trials", 1, hypothesis="=1+1")
            tx.update("trials", 2, tags=json.dumps([SCRIPT]), hypothesis=SCRIPT)
        with served(workspace, TOKEN) as url:
            yield f"{url}/#token={TOKEN}"


def make_known(lab: Lab, trial_id: int) -> None:
    """Let a trial be taken for the run of its config, as one that the lab launched is."""
    config = queries.trial(lab, trial_id).config.parsed
    with lab.database.write() as tx:
        tx.update("trials", trial_id, fingerprint=launches.fingerprint(config, lab.launcher))


@pytest.fixture
def tab(address: str, common_page: Page) -> Page:
    """A tab that may act, on a page that has just been loaded."""
    common_page.set_viewport_size({"width": 1280, "height": 800})
    common_page.goto("about:blank")  # else another fragment of the address is no other page
    common_page.goto(address)
    return common_page


def go(page: Page, place: str) -> None:
    """Follow a link within the page."""
    page.evaluate("place => { location.hash = place }", place)


def trial_numbers(page: Page) -> list[str]:
    """Return the numbers of the trials in the order of the table."""
    return page.locator(".virtual tbody a:not(.tag)").all_inner_texts()


def test_trials_are_sorted_filtered_and_found_again_by_a_link(tab):
    go(tab, "#/trials")
    expect(tab.locator(".virtual tbody tr")).to_have_count(6)
    tab.get_by_role("button", name="best val_loss").click()
    assert trial_numbers(tab) == ["1", "2", "3", "4", "5", "6"]
    tab.get_by_role("button", name="best val_loss").click()
    expect(tab.get_by_role("columnheader", name="best val_loss")).to_have_attribute(
        "aria-sort", "descending"
    )
    tab.get_by_role("searchbox", name="Filter").fill("lr<0.001 seed!=1")
    expect(tab.get_by_text("2 of 6 rows")).to_be_visible()
    assert trial_numbers(tab) == ["6", "4"]
    link = tab.url
    go(tab, "#/notes")
    tab.goto(link)
    expect(tab.get_by_text("2 of 6 rows")).to_be_visible()
    assert trial_numbers(tab) == ["6", "4"]
    tab.get_by_role("searchbox", name="Filter").fill("rate<1")
    expect(tab.locator("#filter-problem")).to_contain_text("no column 'rate'; one of: id, variant")


def test_a_filter_takes_words_conditions_and_their_contrary(tab):
    go(tab, "#/trials")
    rows = {
        "": "6 rows",
        "lr<": "6 rows",  # still being written
        "parent=none": "6 rows",
        "-state=completed": "0 of 6 rows",
        "tags:SCRIPT": "1 of 6 rows",
        "best<=3.51 best>3.4 completed": "2 of 6 rows",
        '"3.50"': "0 of 6 rows",
    }
    for text, shown in rows.items():
        tab.get_by_role("searchbox", name="Filter").fill(text)
        expect(tab.get_by_role("group", name="Chosen trials").get_by_role("status")).to_have_text(
            shown
        )


def test_columns_that_differ_are_shown_by_themselves_and_others_are_chosen(tab):
    go(tab, "#/trials")
    expect(tab.get_by_role("columnheader", name="lr")).to_be_visible()
    expect(tab.get_by_role("columnheader", name="total_steps")).to_have_count(0)
    tab.get_by_text("Columns", exact=True).click()
    tab.get_by_label("total_steps (setting)").check()
    expect(tab.get_by_role("columnheader", name="total_steps")).to_be_visible()
    tab.get_by_label("lr (setting)").uncheck()
    expect(tab.get_by_role("columnheader", name="lr")).to_have_count(0)
    assert "cols=total_steps" in tab.url
    assert "hide=lr" in tab.url


def test_groups_show_the_mean_and_spread_of_their_seeds(tab):
    go(tab, "#/trials?group=setting")
    rows = tab.locator(".virtual tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("3 trials")
    expect(rows.first).to_contain_text("3.01 ± 0.01")
    tab.get_by_label("Members").check()
    expect(rows).to_have_count(8)


def test_trials_are_chosen_tagged_and_opened_by_keyboard_alone(tab):
    go(tab, "#/trials?sort=-id")
    tab.get_by_role("grid", name="Trials").focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "Space"):
        tab.keyboard.press(key)
    expect(tab.get_by_text("2 chosen")).to_be_visible()
    expect(tab.get_by_role("link", name="Compare").nth(1)).to_have_attribute(
        "href", "#/compare?trials=4,6"
    )
    tab.get_by_label("Tag them").fill("pair")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("link", name="pair")).to_have_count(2)
    tab.get_by_role("grid", name="Trials").focus()
    tab.keyboard.press("Enter")
    assert tab.url.endswith("#/trial?id=4")


def test_the_table_is_kept_as_csv_in_which_nothing_is_a_formula(tab):
    go(tab, "#/trials?q=id<3&cols=hypothesis")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("id,state,progress,best,best_step,last")
    assert len(lines) == 3
    assert lines[1].startswith("1,completed,")
    assert lines[1].endswith(",'=1+1")


def test_text_of_others_is_shown_and_never_run(tab):
    for place in ("#/trials?cols=hypothesis", "#/notes"):
        go(tab, place)
        expect(tab.get_by_text(SCRIPT).first).to_be_visible()
        assert tab.title() != "run"


def test_a_comparison_says_its_verdict_and_what_differs(tab):
    go(tab, "#/compare?trials=1,2,3,4,5,6")
    expect(tab.locator(".verdict")).to_have_text(
        "Clear: lr=0.001 is better than lr=0.0001, the next best, and than all others."
    )
    row = tab.get_by_role("row", name="lr=0.0001").filter(has_text="compare with this")
    expect(row).to_contain_text("worse")
    expect(tab.get_by_role("region", name="Settings")).to_contain_text("lr")
    row.get_by_role("button", name="compare with this").click()
    expect(tab.locator(".verdict")).to_have_text(
        "Clear: lr=0.001 is better than the reference, lr=0.0001."
    )
    assert "reference=4" in tab.url


def test_a_note_is_added_found_and_stays_by_its_search(tab):
    go(tab, "#/notes")
    expect(tab.get_by_text("2 sections")).to_be_visible()
    tab.get_by_text("Add a note").click()
    tab.get_by_label("Title").fill("Decision")
    tab.get_by_label("Text, Markdown").fill(
        "Go on with trial 1.\n\n|lr|loss|\n|--|--|\n|0.001|**3.0**|"
    )
    tab.get_by_role("button", name="Append").click()
    expect(tab.get_by_role("heading", name="Decision")).to_be_visible()
    expect(tab.get_by_role("row", name="0.001 3.0").locator("strong")).to_have_text("3.0")
    tab.get_by_role("searchbox", name="Search").fill("seed share")
    expect(tab.get_by_text("1 of 3 sections")).to_be_visible()
    expect(tab.get_by_role("heading", name="Decision")).to_have_count(0)
    assert tab.url.endswith("#/notes?q=seed%20share")


def test_what_an_agent_changes_is_shown_without_a_reload(tab, workspace):
    with Lab.open(workspace) as lab:
        go(tab, "#/trials")
        expect(tab.locator(".virtual tbody tr")).to_have_count(6)
        lab_tag(lab, [5], add=["promising"])
        expect(tab.get_by_role("link", name="promising")).to_be_visible()
        go(tab, "#/notes")
        expect(tab.get_by_role("heading", name="Seeds")).to_be_visible()
        notebook.append(lab, "Trial 5 is the one.", "Promising")
        expect(tab.get_by_role("heading", name="Promising")).to_be_visible()


def test_of_a_thousand_trials_only_those_in_view_are_drawn(browser_page, tmp_path):
    root = tmp_path / "many"
    with Lab.open(root) as lab:
        lab.create()
        add_many(lab, 1000)
        with served(root) as url:
            browser_page.goto(f"{url}/#/trials")
            grid = browser_page.get_by_role("grid", name="Trials")
            expect(grid).to_have_attribute("aria-rowcount", "1001")
            grid.focus()
            browser_page.keyboard.press("End")
            expect(grid.get_by_role("link", name="1000", exact=True)).to_be_visible()
            assert grid.locator("tbody tr").count() < 60
            browser_page.close()


def add_many(lab: Lab, count: int) -> None:
    """Put in trials that have ended without a result."""
    columns = {"tags": [], "hypothesis": None, "priority": 0}
    columns |= {"trainer": [], "limits": {}, "request_hash": ""}
    with lab.database.write() as tx:
        for number in range(count):
            config = resolved(seed=number % 5, lr=1e-4 * (1 + number // 5))
            trial_id = trials.insert(tx, "queued", config=config, **columns)
            tx.update("trials", trial_id, state="completed")


def test_pages_of_an_empty_lab_say_what_would_fill_them(browser_page, tmp_path):
    with served(tmp_path / "nothing") as url:
        browser_page.goto(f"{url}/#/trials")
        expect(browser_page.get_by_text("No trials yet")).to_be_visible()
        go(browser_page, "#/sweeps")
        expect(browser_page.get_by_text("No sweeps yet")).to_be_visible()
        go(browser_page, "#/notes")
        expect(browser_page.get_by_text("no notes yet")).to_be_visible()
        go(browser_page, "#/compare")
        expect(browser_page.get_by_text("Name trials or a tag")).to_be_visible()
        browser_page.close()


@pytest.mark.parametrize(
    "place", ["trials", "compare?trials=1,2,3,4,5,6", "sweeps?sweep=1", "notes"]
)
def test_nothing_is_wider_than_a_phone(tab, place):
    tab.set_viewport_size(PHONE)
    go(tab, f"#/{place}")
    expect(tab.locator("main h1").first).to_be_visible()
    tab.wait_for_function("document.documentElement.scrollWidth <= innerWidth")


def test_points_of_a_sweep_are_chosen_on_its_axes_by_keyboard(tab):
    go(tab, "#/sweeps")
    tab.get_by_role("link", name="1", exact=True).click()
    expect(tab.get_by_text(SCRIPT)).to_be_visible()
    expect(tab.locator(".verdict")).to_contain_text("lr highest tried: go on there")
    tab.get_by_role("slider", name="lr, lower end").focus()
    tab.keyboard.press("ArrowUp")
    expect(tab.get_by_role("heading", name="1 of 2 points")).to_be_visible()
    assert tab.url.endswith("brush=lr:1..1")
    tab.reload()
    expect(tab.get_by_role("heading", name="1 of 2 points")).to_be_visible()
    tab.get_by_role("slider", name="lr, lower end").focus()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("heading", name="Points", exact=True)).to_be_visible()
