"""Health: what is wrong with a running trial, told from its records."""

import time

import pytest

from pawn_core.phases import Phases
from pawn_lab.reporting.health import LONGEST_S, Phase, data_wait, health, is_trouble, phase_of
from pawn_lab.trial_paths import TrialPaths


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


@pytest.mark.parametrize(
    ("records", "phase", "now", "found"),
    [
        ([], Phase("import", 100.0), 195.0, "starting: import, 95 s"),
        ([], Phase("import", 100.0), 400.0, "silent: import, 300 s"),
        (
            [{"type": "config", "time": 90.0}],
            Phase("compile", 100.0),
            900.0,
            "starting: compile, 800 s",
        ),
        (
            [{"type": "config", "time": 90.0}],
            Phase("compile", 100.0),
            1e6,
            "silent: compile, 999900 s",
        ),
        # The stream has begun and its first batch does not come: the phase was before it.
        ([], Phase("games", 0.0, "34 %", 4900.0), 5000.0, "starting: games, 5000 s, 34 %"),
        ([], Phase("games", 0.0, "34 %", 4800.0), 5000.0, "silent: games, 5000 s, 34 %"),
        ([{"type": "config", "time": 120.0}], Phase("build", 100.0), 500.0, "silent: build, 400 s"),
        (train(FALLING), Phase("first evaluation", 190.0), 190.0 + 500.0, "ok"),
        (
            train(FALLING),
            Phase("first evaluation", 190.0),
            190.0 + 700.0,
            "silent: first evaluation, 700 s",
        ),
        (train(FALLING), Phase("first evaluation", 150.0), EARLY, "ok"),
        (train(FALLING), Phase("first evaluation", 150.0), 190.0 + 121.0, "silent"),
        (train(FALLING), Phase("import", 300.0), 190.0 + 121.0, "silent"),
        (train([*FALLING, None]), Phase("first evaluation", 300.0), 301.0, "loss not finite"),
    ],
)
def test_a_start_tells_its_phase_and_age_and_silence_in_it_is_noticed(records, phase, now, found):
    assert health(records, now, phase) == found


@pytest.mark.parametrize("phase", LONGEST_S)
def test_silence_in_any_phase_is_noticed_within_minutes(phase):
    assert health([], LONGEST_S[phase] + 1.0, Phase(phase, 0.0)).startswith("silent")
    assert LONGEST_S[phase] <= 15 * 60.0


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"phase": "compile"}',
        '{"phase": ["compile"], "since": 150}',
        '{"phase": "compile", "since": "soon"}',
        '{"phase": "compile", "since": 1e300}',
        '{"phase": "compile", "since": -1}',
        '{"phase": "\\u001b[31mred", "since": 150}',
    ],
)
def test_a_phase_that_cannot_be_believed_counts_as_the_import(tmp_path, document):
    paths = TrialPaths(tmp_path)
    paths.run.mkdir()
    assert phase_of(paths, 100.0, 200.0) == Phase("import", 100.0)
    paths.phase.write_text(document, "utf-8")
    assert phase_of(paths, 100.0, 200.0) == Phase("import", 100.0)
    assert phase_of(paths, None, 200.0) is None


def test_the_phase_that_a_trainer_tells_is_read(tmp_path):
    paths = TrialPaths(tmp_path)
    paths.run.mkdir()
    Phases(paths.run).begin("first batch")
    now = time.time()
    assert phase_of(paths, now - 100.0, now + 1.0).name == "first batch"


def test_how_far_a_phase_is_is_read_where_it_can_be_believed(tmp_path):
    paths = TrialPaths(tmp_path)
    paths.run.mkdir()
    phases, before = Phases(paths.run), time.time() - 100.0
    phases.begin("games")
    phases.tell("34 %" + "x" * 5000)
    phase = phase_of(paths, before, time.time())
    assert phase.told >= phase.since
    assert phase.note.startswith("34 %x")
    assert len(phase.note) <= 120
    for lie in ('"told": 1e300', '"told": "now"', '"told": 1'):
        told = f'{{"phase": "games", "since": {time.time()}, "note": "34 %", {lie}}}'
        paths.phase.write_text(told, "utf-8")
        assert phase_of(paths, before, time.time() + 1.0).told is None


def test_only_a_start_and_a_good_course_need_nobody():
    assert not any(map(is_trouble, [None, "ok", "starting", "starting: compile, 800 s"]))
    assert all(map(is_trouble, ["silent", "silent: import, 300 s", "loss climbs"]))


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
