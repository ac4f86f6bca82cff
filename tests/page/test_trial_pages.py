"""The overview and a trial's page in a browser, over a lab in which something of everything is."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from fake_nvml import FakeGpu, NVMLError_GpuIsLost, install
from lab_testing import (
    CONFIG,
    add_ended_trial,
    add_measured_trial,
    add_running_trial,
    make_checkpoint,
)
from playwright.sync_api import Page, expect
from served_lab import served

from pawn_core.config import parse_config
from pawn_lab.lab import Lab, killing, spending, storing
from pawn_lab.store import trials

HOSTILE = "<script>document.title='taken'</script>"
MOST_TABS = 60
EVAL = {"run_type": "eval", "games": 8, "shard_games": 4, "device": "cpu"}
LAYERS = [
    ["piece_type", network, layer, value, value - 0.1, value + 0.1]
    for network, values in {"model": (0.4, 0.6, 0.9), "untrained": (0.4, 0.41, 0.42)}.items()
    for layer, value in zip(("embedding", "layer 1", "layer 2"), values, strict=True)
]
REPORT = {
    "name": "probes",
    "definition": "Linear probes of every layer.",
    "figures": [{"name": "piece_type", "value": 0.9, "low": 0.8, "high": 1.0, "n": 640}],
    "tables": [
        {
            "name": "linear_layers",
            "columns": ["figure", "network", "layer", "value", "low", "high"],
            "rows": LAYERS,
        }
    ],
}


class Shown(NamedTuple):
    """A served lab: its address, and the trials that tests speak of."""

    url: str
    lab: Lab
    parent: int
    child: int
    failed: int
    running: int
    queued: int
    held: int


def resolved(**fields) -> dict:
    return parse_config(CONFIG | fields).model_dump(mode="json")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A lab of a GPU, which a trial holds, and a lost one; others ended, wait, or are on hold."""
    root = tmp_path_factory.mktemp("shown") / "runs"
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        gone = {"HandleByIndex": NVMLError_GpuIsLost("GPU is lost")}
        install(patch, [FakeGpu("GPU-a"), FakeGpu("GPU-b", refuses=gone)])
        lab = stack.enter_context(Lab.open(root)).only_looking()
        spending.set_cost(lab, 3.0, budget=30.0)
        parent, child, failed = _ended(lab)
        running, _ = stack.enter_context(add_running_trial(lab, resolved(seed=1)))
        lab.paths.trial(running).log.write_text("step 10 loss 3.5\nstep 20 loss 3.4\n")
        with lab.database.write() as tx:
            tx.insert("leases", device="GPU-a", trial_id=running, start=tx.now - 3600, stop=None)
        queued, held = _queue(lab, resolved(seed=2)), _queue(lab, resolved(seed=3), on_hold=True)
        url = stack.enter_context(served(root))
        yield Shown(url, lab, parent, child, failed, running, queued, held)


def _ended(lab: Lab) -> tuple[int, int, int]:
    """Put in an evaluated trial with checkpoints, one that continues it, and one that failed."""
    parent, child = (
        add_measured_trial(lab, [3.0, 2.0, 2.5]),
        add_measured_trial(lab, [1.9], lr=0.01),
    )
    failed = add_ended_trial(lab, resolved())
    explained = {"kind": "non-finite", "next_call": f"lab_log(trial_id={failed})"}
    ending = {"code": 1, "signal": None, "reason": "non-finite", "message": HOSTILE}
    ending |= {"post_mortem": explained}
    with lab.database.write() as tx:
        tags = json.dumps([HOSTILE])
        tx.update("trials", child, parent=parent, from_step=100, tags=tags, hypothesis=HOSTILE)
        tx.update("trials", failed, state="failed", exit=json.dumps(ending))
    for step in (100, 200):
        make_checkpoint(lab.paths.trial(parent).checkpoints, step)
    _evaluate(lab, f"trial:{parent}@200")
    return parent, child, failed


def _evaluate(lab: Lab, weights: str) -> None:
    number = add_ended_trial(lab, resolved_eval(weights))
    found = {"complete": True, "weights": {"source": weights, "sha256": "ab" * 32}}
    lab.paths.trial(number).results.write_text(json.dumps(found | {"evaluations": [REPORT]}))
    storing.tag(lab, [number], ["measured"])  # an event after the results are there


def resolved_eval(weights: str) -> dict:
    return parse_config(EVAL | {"weights": weights}).model_dump(mode="json")


def _queue(lab: Lab, config: dict, **columns) -> int:
    given = {"tags": [], "hypothesis": None, "priority": 0, "trainer": [], "limits": {}}
    given |= {"config": config, "request_hash": ""} | columns
    with lab.database.write() as tx:
        return trials.insert(tx, "queued", "claude", **given)


def test_the_overview_tells_what_needs_a_decision_and_leads_to_it(shown: Shown, common_page: Page):
    common_page.goto(f"{shown.url}/#/overview")
    decisions = common_page.get_by_role("heading", name="Needs a decision").locator("..")
    expect(decisions).to_contain_text(f"trial {shown.failed} failed (non-finite)")
    expect(common_page.get_by_role("meter", name="Progress")).to_have_text("step 200 of 1K")
    held = common_page.get_by_role("heading", name="Waiting for your approval").locator("..")
    expect(held).to_contain_text(f"trial {shown.held}")
    expect(common_page.get_by_role("img", name="Left of the budget of 30.00")).to_be_visible()
    decisions.get_by_role("link", name=str(shown.failed), exact=True).first.click()
    expect(common_page.get_by_role("heading", name=f"Trial {shown.failed}")).to_be_visible()
    expect(common_page.get_by_text(f"lab_log(trial_id={shown.failed})")).to_be_visible()


def test_devices_have_their_use_memory_heat_price_and_holder(shown: Shown, common_page: Page):
    common_page.goto(f"{shown.url}/#/overview")
    devices = common_page.get_by_role("heading", name="Devices · 1").locator("..")
    expect(devices.locator("li")).to_contain_text(f"▶ trial {shown.running}40 °C3.00 an hour")
    expect(devices.get_by_role("meter", name="In use")).to_have_text("3 % in use")
    expect(devices.get_by_role("meter", name="Memory")).to_have_text("1 B of 151 GB")
    expect(devices).to_contain_text("GPU 1 is lost")


def test_the_overview_is_walked_by_keyboard_alone(shown: Shown, common_page: Page):
    common_page.goto(f"{shown.url}/#/overview")
    expect(common_page.get_by_role("heading", name="Running", exact=True)).to_be_visible()
    for _ in range(MOST_TABS):
        common_page.keyboard.press("Tab")
        if common_page.evaluate("document.activeElement.textContent") == f"Trial {shown.running}":
            break
    common_page.keyboard.press("Enter")
    expect(common_page.get_by_role("heading", name=f"Trial {shown.running}")).to_be_visible()


def test_what_happens_in_the_lab_is_seen_without_a_reload(shown: Shown, common_page: Page):
    common_page.goto(f"{shown.url}/#/overview")
    queue = common_page.get_by_role("heading", name="Queue · 1").locator("..")
    expect(queue).to_contain_text(f"every device is held, by trial {shown.running}")
    killing.kill(shown.lab, shown.queued, reason="not needed")
    expect(queue).to_have_count(0)
    expect(common_page.get_by_text("killed: not needed").first).to_be_visible()


def test_text_of_others_is_shown_and_never_run(shown: Shown, common_page: Page):
    common_page.goto(f"{shown.url}/#/trial?id={shown.child}")
    expect(common_page.get_by_role("paragraph").filter(has_text=HOSTILE)).to_be_visible()
    expect(common_page.get_by_role("link", name=HOSTILE).first).to_be_visible()
    common_page.goto(f"{shown.url}/#/trial?id={shown.failed}")
    expect(common_page.get_by_text(HOSTILE).first).to_be_visible()
    assert "taken" not in common_page.title()


def test_a_trial_s_page_tells_its_lineage_its_changes_and_its_evaluations(
    shown: Shown, common_page: Page
):
    common_page.goto(f"{shown.url}/#/trial?id={shown.parent}")
    lineage = common_page.get_by_role("heading", name="Lineage").locator("..")
    expect(lineage.locator("li li")).to_contain_text("lr 0.0003 → 0.01")
    row = common_page.get_by_role("row", name="piece_type (untrained)")
    expect(row).to_contain_text("0.42")
    lineage.get_by_role("link", name=f"trial {shown.child}").click()
    expect(common_page.get_by_role("heading", name=f"Trial {shown.child}")).to_be_visible()
    common_page.go_back()
    expect(common_page.get_by_role("heading", name=f"Trial {shown.parent}")).to_be_visible()


def test_an_evaluation_that_is_added_appears_on_the_page_of_what_it_measured(
    shown: Shown, common_page: Page
):
    common_page.goto(f"{shown.url}/#/trial?id={shown.child}")
    expect(common_page.get_by_role("heading", name="Lineage")).to_be_visible()
    expect(common_page.get_by_role("heading", name="Evaluations")).to_have_count(0)
    _evaluate(shown.lab, f"trial:{shown.child}@100")
    expect(common_page.get_by_role("heading", name="Evaluations")).to_be_visible()


def test_a_checkpoint_is_verified_by_keyboard_and_damage_is_named(shown: Shown, common_page: Page):
    folder = shown.lab.paths.trial(shown.parent).checkpoints / "step_00000100"
    (folder / "model.safetensors").write_bytes(b"other")
    common_page.goto(f"{shown.url}/#/trial?id={shown.parent}")
    saved = common_page.get_by_role("heading", name="Checkpoints · 2").locator("..")
    expect(saved.locator("li").first).to_contain_text("★ best")
    for step, said in ((200, "4 files match their hashes"), (100, "does not match its SHA-256")):
        button = saved.get_by_role("button", name=f"Verify {step}")
        button.focus()
        common_page.keyboard.press("Enter")
        expect(saved.get_by_role("status").filter(has_text=said)).to_be_visible()


def test_the_log_follows_what_is_written_and_is_searched(shown: Shown, common_page: Page):
    common_page.goto(f"{shown.url}/#/trial?id={shown.running}")
    common_page.get_by_text("Log", exact=True).click()
    lines = common_page.get_by_label("Lines of the log")
    expect(lines).to_contain_text("step 20 loss 3.4")
    with shown.lab.paths.trial(shown.running).log.open("a") as log:
        log.write("ERROR: something\n")
    _write_metrics(shown)
    expect(lines).to_contain_text("ERROR: something")
    common_page.get_by_role("searchbox", name="find").last.fill("error")
    common_page.keyboard.press("Enter")
    expect(lines).to_have_text("ERROR: something")


def _write_metrics(shown: Shown) -> None:
    record = {"type": "eval", "seq": 99, "step": 220, "time": time.time(), "val_loss": 3.1}
    with shown.lab.paths.trial(shown.running).metrics.open("a") as stream:
        stream.write(json.dumps(record) + "\n")


@pytest.mark.parametrize("width", [375, 2560])
def test_no_page_is_wider_than_its_screen(shown: Shown, common_page: Page, width: int):
    common_page.set_viewport_size({"width": width, "height": 800})
    for place in ("overview", f"trial?id={shown.parent}", f"trial?id={shown.child}"):
        common_page.goto(f"{shown.url}/#/{place}")
        expect(common_page.locator(".card").first).to_be_visible()
        assert common_page.evaluate("document.documentElement.scrollWidth") == width


def test_an_address_without_a_trial_says_what_it_needs(shown: Shown, common_page: Page):
    common_page.goto(f"{shown.url}/#/trial?id=x")
    expect(common_page.get_by_text("The address names no trial")).to_be_visible()
