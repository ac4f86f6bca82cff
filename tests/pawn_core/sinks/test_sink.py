"""A run that repeats steps gives a tracker none of them twice."""

from collections import Counter
from pathlib import Path

import pytest

from pawn_core.sinks.registry import SINKS
from pawn_core.sinks.sink import RunInfo, Sink


class ListSink(Sink):
    """A tracker that remembers what it was told, over all its openings."""

    name = "list"
    had: list[tuple[int, dict[str, float]]]

    def log(self, step: int, values: dict[str, float]) -> None:
        self.had.append((step, values))

    def close(self) -> None:
        pass


@pytest.fixture
def opened(tmp_path: Path, monkeypatch):
    """Return a function that opens the tracker for a run's folder, as each start does."""
    monkeypatch.setattr(ListSink, "had", [], raising=False)
    return lambda: ListSink(RunInfo(tmp_path, {}))


def test_a_resumed_run_gives_a_tracker_no_step_twice(opened):
    for steps in (range(1, 8), range(5, 11), range(11, 13)):
        sink = opened()
        for step in steps:
            sink.write(step, {"train/loss": 10.0 - step})
    assert [step for step, _ in ListSink.had] == list(range(1, 13))


def test_what_one_step_has_of_its_own_still_arrives(opened):
    opened().write(4, {"train/loss": 1.0})
    opened().write(4, {"train/loss": 1.0, "eval/val_loss": 2.0})
    opened().write(4, {"small/eval/val_loss": 3.0})
    assert ListSink.had == [
        (4, {"train/loss": 1.0}),
        (4, {"eval/val_loss": 2.0}),
        (4, {"small/eval/val_loss": 3.0}),
    ]


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'{"train/loss": "7"}', b"[" * 9999])
def test_a_damaged_note_of_what_was_given_stops_no_tracker(opened, tmp_path, content):
    (tmp_path / "trackers").mkdir()
    (tmp_path / "trackers/list.json").write_bytes(content)
    opened().write(1, {"train/loss": 1.0})
    opened().write(1, {"train/loss": 1.0})
    assert ListSink.had == [(1, {"train/loss": 1.0})]


@pytest.mark.slow  # imports the trackers: seconds
@pytest.mark.parametrize("tracker", SINKS, ids=lambda tracker: tracker.name)
def test_every_tracker_is_told_each_step_once(tracker, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    logged: Counter[int] = Counter()
    for steps in (range(1, 8), range(5, 11)):
        sink = tracker.open(RunInfo(tmp_path, {"lr": 1}))
        log = sink._run.log
        monkeypatch.setattr(
            sink._run, "log", lambda v, step, log=log: (logged.update([step]), log(v, step=step))
        )
        for step in steps:
            sink.write(step, {"train/loss": 10.0 - step})
        sink.close()
    assert logged == dict.fromkeys(range(1, 11), 1)
