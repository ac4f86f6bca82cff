"""A sink of any kind can neither hold training nor end it."""

import sys
import time
from pathlib import Path

from pawn_core.sinks.process import SinkProcess
from pawn_core.sinks.sink import RunInfo, numbers

COPY = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
HANG_UP = "import sys; sys.stdin.readline(); print('the tracker hung up'); sys.exit(1)"
HANG = "import time; time.sleep(600)"


def sink(code: str, *arguments: object) -> SinkProcess:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return SinkProcess("mine", command, RunInfo(Path("/runs/0003/run"), {"lr": 0.1}))


def test_numbers_arrive_in_order_and_events_stay_home(tmp_path) -> None:
    mine = sink(COPY, tmp_path / "copy")
    assert mine.write("event", 0, {"event": "start", "count": 1}) is None
    for step in range(3):
        assert mine.write("train", step, {"loss": step / 2}) is None
    assert mine.close(30) is None
    assert (tmp_path / "copy").read_text().splitlines() == [
        '{"run_dir": "/runs/0003/run", "config": {"lr": 0.1}}',
        *(f'{{"step": {step}, "values": {{"train/loss": {step / 2}}}}}' for step in range(3)),
    ]


def test_a_failure_is_told_once_and_nothing_more_is_sent() -> None:
    mine = sink(HANG_UP)
    assert mine.close(30) == "the tracker hung up"
    assert mine.write("train", 1, {"loss": 1.0}) is None
    assert mine.close(30) is None


def test_a_child_that_died_is_found_by_the_next_record() -> None:
    mine = sink("import sys; sys.exit(7)")
    deadline = time.monotonic() + 30
    while (failure := mine.write("train", 1, {"loss": 1.0})) is None:
        assert time.monotonic() < deadline
    assert failure == "exit code 7"


def test_a_tracker_that_hangs_never_holds_a_record_and_is_killed() -> None:
    mine = sink(HANG)
    failures = [mine.write("train", step, {"loss": 1.0}) for step in range(10_000)]
    assert list(filter(None, failures)) == ["no answer within 1 s"]
    waiting = sink(HANG)
    assert waiting.close(0.05) == "no answer within 0 s"


def test_a_variants_numbers_carry_its_name() -> None:
    fields = {"variant": "small", "loss": 1.5, "ok": True, "note": "text", "missing": None}
    assert numbers("eval", fields) == {"small/eval/loss": 1.5}
    assert numbers("eval", {"loss": 1.5}) == {"eval/loss": 1.5}


def test_a_trials_run_is_named_by_its_folder_and_number() -> None:
    assert RunInfo(Path("/runs/0003/run"), {}).name == "0003-run"
    assert RunInfo(Path("/a"), {}).id != RunInfo(Path("/b"), {}).id
