"""The overview shows what needs a decision, what is going on, and where the money goes."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_testing import (
    CONFIG,
    add_ended_trial,
    add_measured_trial,
    add_running_trial,
    write_evaluations,
)

from pawn_core.config import parse_config
from pawn_lab.lab import Lab, spending, storing
from pawn_lab.states import State
from pawn_lab.store import events, trials
from pawn_lab.views import answered
from pawn_lab.views.overview import MOST_POINTS, MOST_QUEUED

HOUR = 3600.0
RESOLVED = parse_config(CONFIG).model_dump(mode="json")


@pytest.fixture
def lab(workspace: Path) -> Iterator[Lab]:
    with Lab.open(workspace) as lab:
        yield lab.only_looking()


def overview(lab: Lab) -> dict:
    answer = answered(lab, "overview", {})
    return json.loads(json.dumps(answer, allow_nan=False))


def test_an_empty_lab_says_how_to_begin(lab):
    shown = overview(lab)
    assert "lab_launch" in shown["headline"]
    assert (shown["decisions"], shown["running"], shown["queue"]) == ([], [], [])
    assert shown["spending"]["device_time"] == shown["spending"]["machine_time"] == []


def test_a_running_trial_has_its_step_its_target_and_the_course_of_its_merit(lab):
    with add_running_trial(lab, RESOLVED) as (number, _):
        [row] = overview(lab)["running"]
    assert (row["id"], row["step"], row["target"], row["unit"]) == (number, 200, 1000, "step")
    [course] = row["courses"]
    assert course["metric"] == "val_loss"
    assert course["values"][0] > course["values"][-1]


def test_the_course_of_a_long_trial_keeps_a_spike_of_one_evaluation_and_a_gap(lab):
    losses: list[float | None] = [1.0] * 1000
    losses[613], losses[300:400] = 9.0, [None] * 100
    with add_running_trial(lab, RESOLVED) as (number, _):
        write_evaluations(lab, number, losses)
        [row] = overview(lab)["running"]
    values = row["courses"][0]["values"]
    assert len(values) <= MOST_POINTS
    assert 9.0 in values
    assert None in values


def test_trouble_and_the_latest_events_are_told_newest_first(lab):
    number = add_ended_trial(lab, RESOLVED)
    with lab.database.write() as tx:
        tx.update("trials", number, state=State.FAILED)
        events.append(tx, "failed", "it <script>broke</script>", number)
    shown = overview(lab)
    assert f"trial {number} failed" in shown["decisions"][0]
    assert shown["events"][0]["message"] == "it <script>broke</script>"
    assert shown["ended"][0]["id"] == number


def test_of_a_long_queue_the_first_are_told_and_how_many_there_are(lab):
    numbers = [_queued(lab) for _ in range(MOST_QUEUED + 5)]
    held = _queued(lab, on_hold=True)
    shown = overview(lab)
    assert [row["id"] for row in shown["queue"]] == numbers[:MOST_QUEUED]
    assert shown["queued"] == len(numbers)
    assert [row["id"] for row in shown["holds"]] == [held]


def _queued(lab: Lab, **columns) -> int:
    columns |= {"tags": [], "hypothesis": None, "priority": 0, "trainer": [], "limits": {}}
    with lab.database.write() as tx:
        return trials.insert(tx, "queued", config=RESOLVED, request_hash="", **columns)


def _held(lab: Lab, number: int, start: float, stop: float | None) -> None:
    with lab.database.write() as tx:
        tx.insert("leases", device="cpu:0", trial_id=number, start=start, stop=stop)


def test_money_over_time_turns_where_a_device_is_taken_and_given_back(lab):
    spending.set_cost(lab, 4.0)  # two devices: 2 an hour each
    first, second = (add_measured_trial(lab, [3.0]) for _ in range(2))
    with lab.database.write() as tx:
        tx.execute("UPDATE rates SET since = ?, boot = NULL, uptime = NULL", tx.now - 10 * HOUR)
    now = time.time()
    _held(lab, first, now - 8 * HOUR, now - 6 * HOUR)
    _held(lab, second, now - 7 * HOUR, now - 4 * HOUR)
    storing.tag(lab, [second], ["late"])
    course = overview(lab)["spending"]
    assert course["by_tag"] == [["late", pytest.approx(6.0, abs=1e-3)]]
    spent = {round((now - t) / HOUR): total for t, total in course["device_time"]}
    assert spent[8] == pytest.approx(0.0, abs=1e-3)
    assert spent[7] == pytest.approx(2.0, abs=1e-3)
    assert spent[6] == pytest.approx(6.0, abs=1e-3)
    assert spent[4] == spent[0] == pytest.approx(10.0, abs=1e-3)
    assert course["device_time"][-1][1] == pytest.approx(course["total"])
    assert course["machine_time"][-1][1] == pytest.approx(course["machine"]["total"], rel=1e-3)


def test_a_budget_lasts_as_long_as_what_takes_from_it_leaves(lab):
    spending.set_cost(lab, 4.0, budget=10.0)
    assert overview(lab)["spending"]["spent_at"] is None  # nothing takes from it
    with add_running_trial(lab, RESOLVED) as (number, _):
        _held(lab, number, time.time(), None)
        shown = overview(lab)["spending"]
    assert shown["spent_at"] - time.time() == pytest.approx(5 * HOUR, rel=0.01)
    assert shown["budget"]["budget"] == 10.0
