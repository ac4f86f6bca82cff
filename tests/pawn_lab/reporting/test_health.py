"""Health: what is wrong with a running trial, told from its records."""

import pytest

from pawn_lab.reporting.health import data_wait, health


def train(losses, interval=10.0, **fields):
    return [
        {"type": "train", "step": n, "time": n * interval, "loss": loss} | fields
        for n, loss in enumerate(losses)
    ]


FALLING = [5.0 - 0.1 * n for n in range(20)]
EARLY = 191.0
"""Just after the twentieth record."""


@pytest.mark.parametrize(
    ("records", "now", "found"),
    [
        ([], 0.0, "starting"),
        ([{"type": "config", "time": 0.0}], 1e6, "starting"),
        (train(FALLING), EARLY, "ok"),
        (train(FALLING[:1]), 60.0, "ok"),
        (train([*FALLING[:-1], None]), EARLY, "loss not finite"),
        (train(FALLING), 190.0 + 121.0, "silent"),
        (train(FALLING, interval=60.0), 19 * 60.0 + 590.0, "ok"),
        (train(FALLING, interval=60.0), 19 * 60.0 + 610.0, "silent"),
        (train([*FALLING, *FALLING[::-1]], interval=1.0), 40.0, "loss climbs"),
        (train([*FALLING, 5.0], interval=1.0), 20.0, "ok"),
        (train(FALLING, data_wait_s=0.5, step_s=1.0), EARLY, "waits for data"),
        (train(FALLING, data_wait_s=0.01, step_s=1.0), EARLY, "ok"),
        (train(FALLING), 0.0, "ok"),
    ],
)
def test_health_names_the_worst(records, now, found):
    assert health(records, now) == found


def upload(event, destination="hf_repo", **fields):
    return {"type": "event", "time": EARLY, "event": event, "destination": destination} | fields


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([upload("upload_done")], "ok"),
        ([upload("upload_retried", failures=1)], "ok"),
        ([upload("upload_retried", failures=5)], "uploads fail"),
        ([upload("upload_failed")], "uploads fail"),
        ([upload("upload_failed"), upload("upload_done")], "ok"),
        ([upload("upload_failed"), upload("upload_done", "hf_bucket")], "uploads fail"),
    ],
)
def test_uploads_fail_until_one_gets_there(events, found):
    assert health([*train(FALLING), *events], EARLY) == found


def test_the_data_wait_is_a_share_of_the_step_and_unknown_without_either():
    assert data_wait({"data_wait_s": 0.2, "step_s": 0.8}) == 0.25
    assert data_wait({"data_wait_s": 0.2}) is None
    assert data_wait({"data_wait_s": 0.2, "step_s": 0.0}) is None
    assert data_wait(None) is None
