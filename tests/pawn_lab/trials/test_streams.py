"""What a metrics stream has shown, read once however often it is asked for."""

import hashlib
import json
from itertools import pairwise
from typing import Any

import pytest

from pawn_core import metrics
from pawn_core.config.facts import Merit
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import streams
from pawn_lab.trials.summaries import MOST_KEPT, TOKENS

MERIT = Merit("val_loss", "low")


@pytest.fixture
def paths(tmp_path) -> TrialPaths:
    paths = TrialPaths(tmp_path)
    paths.run.mkdir()
    return paths


def train(step: int, **fields: Any) -> dict:
    speed = {"tokens_per_s": 10.0, "step_s": 2.0}
    return {"type": "train", "step": step, "time": 1.7e9 + step, "loss": 3.0} | speed | fields


def evaluation(step: int, loss: float = 3.0, **fields: Any) -> dict:
    return {"type": "eval", "step": step, "time": 1.7e9 + step, "val_loss": loss} | fields


def write(paths: TrialPaths, records: list[dict], mode: str = "w") -> None:
    with paths.metrics.open(mode, encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def parsed_counts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many records each reading from now on parses, as they come."""
    counts: list[int] = []

    def counted(*arguments: Any) -> Any:
        read, offset = metrics.read_records(*arguments)
        counts.append(len(read))
        return read, offset

    monkeypatch.setattr(streams, "read_records", counted)
    return counts


def test_a_stretch_of_a_stream_is_read_once(paths, monkeypatch) -> None:
    write(paths, [train(step) for step in range(100)] + [evaluation(100)])
    parsed = parsed_counts(monkeypatch)
    assert len(streams.records(paths, MERIT)) == 101
    assert (len(streams.records(paths, MERIT)), streams.shown(paths, MERIT).last_step("")) == (
        101,
        100,
    )
    write(paths, [evaluation(101, 2.0)], mode="a")
    assert [record["step"] for record in streams.evaluations(paths, MERIT)] == [100, 101]
    assert parsed == [101, 1]


def test_records_keep_their_order_and_their_numbers(paths) -> None:
    written = [train(1), evaluation(1), train(2), evaluation(2), train(3)] * 40
    write(paths, written)
    for _ in range(2):
        kept = streams.records(paths, MERIT)
        assert [(r["type"], r["step"], r.get("loss")) for r in kept] == [
            (r["type"], r["step"], r.get("loss")) for r in written
        ]


@pytest.mark.parametrize("again", ["shorter", "longer", "elsewhere"])
def test_a_stream_that_was_made_anew_is_read_anew(paths, again) -> None:
    write(paths, [evaluation(step, 3.0) for step in range(200)])
    assert len(streams.evaluations(paths, MERIT)) == 200
    if again == "elsewhere":
        paths.metrics.unlink()
    write(paths, [evaluation(step, 2.0) for step in range(100 if again == "shorter" else 300)])
    assert {record["val_loss"] for record in streams.evaluations(paths, MERIT)} == {2.0}


@pytest.mark.parametrize(
    "summary", [b"", b"{}", b"\xff\n", b"x\n" * 3, b"[" * 100_000, None], ids=range(6)
)
def test_a_summary_that_is_damaged_or_a_folder_is_made_again(paths, summary) -> None:
    write(paths, [evaluation(step) for step in range(200)])
    streams.evaluations(paths, MERIT)
    whole = paths.summary.read_bytes()
    paths.summary.unlink()
    paths.summary.mkdir() if summary is None else paths.summary.write_bytes(summary)
    assert len(streams.evaluations(paths, MERIT)) == 200
    assert summary is None or paths.summary.read_bytes() == whole


@pytest.mark.parametrize(
    "change",
    [
        *({"val_loss": 1e60}, {"val_loss": True}, {"val_loss": "low"}, {"step": -1}, {"step": 1.5}),
        *({"time": -1.0}, {"type": "event"}, {"variant": ""}, {"n" * 65: 1.0}, {"\u00e9": 1.0}),
        dict.fromkeys((f"n{number}" for number in range(300)), 1.0),
    ],
    ids=range(11),
)
def test_kept_records_that_the_lab_would_not_have_written_are_made_again(paths, change) -> None:
    write(paths, [evaluation(step) for step in range(200)])
    written = streams.evaluations(paths, MERIT)
    head, rest = paths.summary.read_bytes().splitlines()[1:]
    shown = json.loads(head)
    shown["by_model"][""]["records"][3] |= change
    lines = json.dumps(shown).encode() + b"\n" + rest
    paths.summary.write_bytes(hashlib.sha256(lines).hexdigest().encode() + b"\n" + lines)
    assert streams.evaluations(paths, MERIT) == written


def test_of_very_many_records_some_are_kept_evenly_with_the_first_the_last_and_the_best(
    paths,
) -> None:
    count = 5 * MOST_KEPT
    losses = [2.5 if step == 7 else 3.0 for step in range(count)]
    write(paths, [evaluation(step, loss) for step, loss in enumerate(losses)])
    write(paths, [train(step, variant="b") for step in range(count)], mode="a")
    kept = streams.records(paths, MERIT)
    evaluations = [r["step"] for r in kept if r["type"] == "eval"]
    training = [r["step"] for r in kept if r["type"] == "train"]
    assert (evaluations[0], evaluations[-1], 7 in evaluations) == (0, count - 1, True)
    assert (training[0], training[-1], len(training) <= MOST_KEPT + 1) == (0, count - 1, True)
    assert {b - a for a, b in pairwise(training[:-1])} == {8}
    assert kept[-1][TOKENS] == 20.0 * (count - 1)


def test_tokens_are_counted_by_model_and_go_on_over_a_later_look(paths) -> None:
    write(paths, [r for s in range(10, 510, 10) for r in (train(s), train(s, variant="b"))])
    streams.records(paths, MERIT)
    more = [train(510, step_s=4.0, variant="b"), evaluation(520, variant="b"), evaluation(520)]
    write(paths, more, mode="a")
    tokens = {r.get("variant", ""): r[TOKENS] for r in streams.evaluations(paths, MERIT)}
    assert tokens == {"": 20.0 * 520, "b": 20.0 * 500 + 40.0 * 20}


def test_a_stream_without_a_file_has_shown_nothing(paths) -> None:
    assert (streams.records(paths, MERIT), streams.shown(paths, MERIT).last_step("")) == ([], None)
