"""Acting from the page: a form made from the schema, and the buttons of a trial."""

import re
from collections.abc import Iterator

import pytest
from lab_testing import CONFIG, add_ended_trial, ended, in_state, make_checkpoint, open_gate
from playwright.sync_api import Locator, Page, expect
from served_lab import served

from pawn_core.config import parse_config
from pawn_lab.lab import Lab, launching, notebook, queries
from pawn_lab.states import State

TOKEN = "a-secret-of-some-length"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def lab(open_lab) -> Lab:
    """One ended trial with a checkpoint at step 200."""
    lab = open_lab("gate")
    trial = add_ended_trial(lab, parse_config(CONFIG).model_dump(mode="json"))
    make_checkpoint(lab.paths.trial(trial).checkpoints, 200)
    return lab


@pytest.fixture
def url(lab: Lab) -> Iterator[str]:
    with served(lab.paths.root, TOKEN) as url:
        yield url


@pytest.fixture
def acting(url: str, browser_page: Page) -> Page:
    """A page that may act, as Ann."""
    browser_page.add_init_script("sessionStorage.setItem('pawn-author', 'Ann')")
    browser_page.goto(f"{url}/#token={TOKEN}")
    browser_page.get_by_role("heading", level=1).wait_for()
    return browser_page


def go(page: Page, address: str) -> None:
    page.evaluate("address => { location.hash = address }", address)


def launch_card(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Launch")


def answered(dialog: Locator) -> None:
    """See that the lab has answered, and close its answer."""
    expect(dialog).to_contain_text("the lab answers")
    dialog.get_by_role("button", name="Close").last.click()
    expect(dialog).to_have_count(0)


def test_a_trial_is_launched_after_a_dry_run_of_the_same_request(acting, lab):
    go(acting, "#/launch?like=1")
    card = launch_card(acting)
    launch = card.get_by_role("button", name="Launch")
    expect(launch).to_be_disabled()
    acting.get_by_label("lr", exact=True).fill("0.0005")
    card.get_by_label("Hypothesis").fill(HOSTILE)
    card.get_by_label("Hold it until it is approved").check()
    card.get_by_role("button", name="Dry run").click()
    expect(card.get_by_role("status")).to_contain_text("parameters")
    acting.get_by_label("lr", exact=True).fill("0.0006")
    expect(launch).to_be_disabled()
    card.get_by_role("button", name="Dry run").click()
    launch.click()
    expect(card.get_by_role("status")).to_contain_text("trial 2 is queued. a person's approval")
    expect(launch).to_be_disabled()
    trial = queries.trial(lab, 2)
    assert (trial.config["lr"], trial.config["total_steps"]) == (0.0006, CONFIG["total_steps"])
    assert (trial.hypothesis, queries.asked_by(lab, 2)) == (HOSTILE, "dashboard: Ann")
    assert re.search(r"c\.lr=0\.0006.*hold=true", acting.url)
    acting.reload()
    expect(acting.get_by_label("lr", exact=True)).to_have_value("0.0006")


def test_what_is_wrong_stands_beside_its_field(acting, lab, tolerated):
    tolerated.append("400")  # the refusal of the dry run
    go(acting, "#/launch?run_type=pretrain&c.local_checkpoints=true&c.total_steps=many")
    steps = acting.get_by_label("total_steps", exact=True)
    expect(acting.locator("#field-total_steps-help")).to_have_text("'many' is no number")
    expect(steps).to_have_attribute("aria-invalid", "true")
    dry_run = launch_card(acting).get_by_role("button", name="Dry run")
    expect(dry_run).to_be_disabled()
    steps.fill("100")
    acting.get_by_label("lr", exact=True).fill("2")
    dry_run.click()
    expect(acting.locator("#field-lr-help")).to_contain_text("allowed: > 0 and <= 1")
    expect(launch_card(acting).get_by_role("alert")).to_have_text("Refused: see lr.")


def test_a_fork_asks_for_what_the_checkpoint_leaves_open(acting, lab):
    go(acting, "#/launch?resume=1&checkpoint=best")
    expect(acting.get_by_role("heading", level=1)).to_have_text("Go on from trial 1")
    expect(acting.get_by_label("d_model", exact=True)).to_have_count(0)
    acting.get_by_label("lr", exact=True).fill("0.0001")
    card = launch_card(acting)
    card.get_by_role("button", name="Dry run").click()
    expect(card.get_by_role("status")).to_contain_text("before it in the queue")
    card.get_by_role("button", name="Resume").click()
    expect(card.get_by_role("status")).to_contain_text("trial 2 is")
    trial = queries.trial(lab, 2)
    assert (trial.parent, trial.from_step, trial.config["lr"]) == (1, 200, 0.0001)
    in_state(lab, 2, State.RUNNING)
    open_gate(lab, 2)


def test_a_person_approves_what_an_agent_asked_for_and_stops_what_runs(acting, lab):
    held = launching.launch(lab, CONFIG, hold=True, hypothesis=HOSTILE).id
    holds = acting.get_by_role("region", name="Waiting for your approval")
    expect(holds).to_contain_text(HOSTILE)
    holds.get_by_role("button", name="Approve").press("Enter")
    dialog = acting.get_by_role("dialog")
    expect(dialog).to_contain_text(HOSTILE)
    expect(dialog).to_contain_text("before it in the queue")  # a dry run of what was asked
    dialog.get_by_role("button", name="Approve").press("Enter")
    answered(dialog)
    in_state(lab, held, State.RUNNING)
    expect(holds).to_have_count(0)
    go(acting, f"#/trial?id={held}")
    acting.get_by_role("button", name="Stop").click()
    dialog.get_by_label("Why").fill("enough seen")
    dialog.get_by_role("button", name="Stop").click()
    answered(dialog)
    assert ended(lab, held).state is State.KILLED
    said = {event.kind: event.message for event in queries.events(lab, limit=500).events}
    assert said["approved"] == "approved, asked by dashboard: Ann"
    assert said["kill_requested"] == "enough seen, asked by dashboard: Ann"


def test_a_note_and_tags_are_given_and_a_refusal_is_shown(acting, lab, tolerated):
    tolerated.append("400")
    go(acting, "#/trial?id=1")
    dialog = acting.get_by_role("dialog")
    acting.get_by_role("button", name="Note").click()
    dialog.get_by_label("Markdown").fill(f"Trial 1: {HOSTILE}")
    dialog.get_by_role("button", name="Note").click()
    answered(dialog)
    assert HOSTILE in notebook.read(lab)
    acting.get_by_role("button", name="Tags").click()
    dialog.get_by_label("Tags").fill(f"a, {'x' * 65}")
    dialog.get_by_role("button", name="Tags").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is not allowed: 1 to 64")
    dialog.get_by_label("Tags").fill(f"a, {HOSTILE}")
    dialog.get_by_role("button", name="Tags").click()
    answered(dialog)
    assert queries.trial(lab, 1).tags == ["a", HOSTILE]


def test_who_may_only_read_sees_no_button(url, browser_page, lab):
    launching.launch(lab, CONFIG, hold=True)
    browser_page.goto(f"{url}/#/launch")
    expect(browser_page.get_by_text("Reading only")).to_be_visible()
    go(browser_page, "#/overview")
    holds = browser_page.get_by_role("region", name="Waiting for your approval")
    expect(holds).to_be_visible()
    expect(holds.get_by_role("button")).to_have_count(0)
