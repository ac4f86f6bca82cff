"""What a trainer is at before its records tell it."""

import json
import time

import pytest

from pawn_core import phases
from pawn_core.phases import Phases
from pawn_core.run_paths import RunPaths


def test_a_phase_is_told_the_first_time_that_it_begins(tmp_path):
    run, begin = Phases(tmp_path), time.time()
    run.begin("build")
    run.begin("first batch")
    run.begin("build")
    document = json.loads(RunPaths(tmp_path).phase.read_text("utf-8"))
    assert document["phase"] == "first batch"
    assert begin <= document["since"] <= time.time()
    assert [path.name for path in tmp_path.iterdir()] == ["phase.json"]
    run.end()
    assert not list(tmp_path.iterdir())


def test_a_phase_that_takes_long_tells_how_far_it_is(tmp_path):
    run = Phases(tmp_path)
    run.tell("nothing has begun yet")
    assert not list(tmp_path.iterdir())
    run.begin("games")
    run.tell("34 %")
    told = json.loads(RunPaths(tmp_path).phase.read_text("utf-8"))
    assert (told["phase"], told["note"]) == ("games", "34 %")
    assert told["since"] <= told["told"] <= time.time()
    run.begin("build")
    assert "note" not in json.loads(RunPaths(tmp_path).phase.read_text("utf-8"))


def test_a_phase_that_cannot_be_written_ends_no_run(tmp_path):
    Phases(tmp_path / "missing").begin("build")
    Phases(None).begin("build")


@pytest.mark.parametrize("compiled", [False, True])
def test_a_run_tells_its_phases_in_order(tiny, train, tmp_path, monkeypatch, compiled):
    written = []
    monkeypatch.setattr(
        phases, "_replace", lambda _, data: written.append(json.loads(data)["phase"])
    )
    if compiled:
        monkeypatch.setattr("pawn_core.runtime.Runtime.compile", lambda _, function, **__: function)
    train(tiny | {"no_compile": not compiled}, "run")
    step = "compile" if compiled else "first step"
    assert written == ["build", "first batch", step, "first steps", "first evaluation"]
