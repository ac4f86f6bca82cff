"""The columns of a stream: all of its numbers, read once, whatever becomes of their file."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pawn_core.config.facts import Merit
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import columns, measurements, streams
from pawn_lab.trials.summaries import TOKENS

Json = dict[str, Any]


@pytest.fixture
def paths(tmp_path: Path) -> TrialPaths:
    paths = TrialPaths(tmp_path)
    paths.run.mkdir()
    return paths


def train(step: int, loss: float | None, **fields: Any) -> Json:
    speed = {"tokens_per_s": 10.0 + step % 7, "step_s": 2.0}
    return {"type": "train", "step": step, "time": 1.7e9 + step, "loss": loss} | speed | fields


def evaluation(step: int, loss: float, **fields: Any) -> Json:
    return {"type": "eval", "step": step, "time": 1.7e9 + step, "val_loss": loss} | fields


def write(paths: TrialPaths, records: list[Json], mode: str = "a") -> None:
    with paths.metrics.open(mode, encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def forget() -> None:
    """Let the next look be that of another process."""
    measurements._LATEST = measurements._Latest()


def values(paths: TrialPaths, name: str = "loss", model: str = "", after: int = 0) -> list:
    kind = "eval" if name.startswith("val") else "train"
    found = measurements.points(paths, kind, model, [name], after)[name]
    steps = found.step.astype(int).tolist()
    return list(zip(steps, found.value.tolist(), strict=True))


def losses(count: int, seed: int = 0) -> list[Json]:
    chance = random.Random(seed)
    return [train(step, chance.random()) for step in range(1, count + 1)]


def of(records: list[Json]) -> list:
    return [(record["step"], record["loss"]) for record in records]


def test_what_is_read_is_what_the_stream_has_however_it_was_read(paths) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    written: list[Json] = []
    for _ in range(12):
        first = len(written) + 1
        came = [train(step, chance.random()) for step in range(first, first + chance.randrange(90))]
        write(paths, came)
        written += came
        if chance.random() < 0.5:
            forget()
        after = chance.randrange(len(written) + 1)
        assert values(paths, after=after) == of(written[after:])
    assert values(paths) == of(written)


def test_another_process_reads_on_from_the_file_and_parses_nothing_twice(
    paths, monkeypatch
) -> None:
    write(paths, losses(300))
    values(paths)
    assert paths.columns.exists()
    forget()
    offsets: list[int] = []
    read = streams.records_from
    monkeypatch.setattr(
        streams, "records_from", lambda *given: (offsets.append(given[1]), read(*given))[1]
    )
    size = paths.metrics.stat().st_size
    write(paths, [train(301, 9.0)])
    assert values(paths)[-1] == (301, 9.0)
    assert offsets == [size]


def test_records_of_no_model_are_every_models_and_null_is_not_a_number(paths) -> None:
    write(paths, [train(1, 1.0, variant="a"), train(2, None, variant="a"), train(3, 3.0)])
    (first, second, third) = values(paths, model="a")
    assert (first, second[0], np.isnan(second[1]), third) == ((1, 1.0), 2, True, (3, 3.0))
    assert values(paths, model="b") == [(3, 3.0)]


def test_tokens_and_last_steps_are_those_of_the_summary(paths) -> None:
    chance = random.Random(3)
    records = []
    for step in range(5, 900, 5):
        records += [train(step, 1.0, variant=name, step_s=chance.random()) for name in "ab"]
        records += [evaluation(step, 2.0, variant="a")] if step % 50 == 0 else []
    write(paths, records)
    summary = streams.summary(paths, Merit("val_loss", "low"))
    for name in "ab":
        kept = [r for r in summary.records if r["variant"] == name and r["type"] == "train"]
        found = measurements.points(paths, "train", name, ["loss"])["loss"]
        assert found.tokens.tolist() == [record[TOKENS] for record in kept]
        assert measurements.latest(paths).last_step(name) == summary.shown.last_step(name)


@pytest.mark.parametrize("again", ["shorter", "longer", "elsewhere"])
def test_a_stream_that_was_made_anew_is_read_anew(paths, again) -> None:
    write(paths, losses(200))
    values(paths)
    before = measurements.latest(paths).reading
    if again == "elsewhere":
        paths.metrics.unlink()
    records = losses(100 if again == "shorter" else 300, seed=1)
    write(paths, records, "w")
    assert values(paths) == of(records)
    assert measurements.latest(paths).reading != before


def test_whatever_was_done_to_the_file_the_numbers_are_those_of_the_stream(paths) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance, records = random.Random(seed), losses(300)
    write(paths, records)
    values(paths)
    whole = paths.columns.read_bytes()
    for _ in range(40):
        at = chance.randrange(len(whole))
        damaged = chance.choice(
            [
                whole[:at],
                whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :],
            ]
        )
        paths.columns.write_bytes(damaged)
        forget()
        assert values(paths) == of(records)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\n", b"x\n" * 3, b"[" * 100_000, None])
def test_a_file_that_is_none_of_ours_or_a_folder_is_made_again(paths, data) -> None:
    records = losses(200)
    write(paths, records)
    values(paths)
    paths.columns.unlink()
    paths.columns.mkdir() if data is None else paths.columns.write_bytes(data)
    forget()
    assert values(paths) == of(records)


def test_a_metric_is_read_without_the_others(paths) -> None:
    write(paths, [record | {"other": 1.0} for record in losses(300)])
    values(paths)
    head = measurements.latest(paths)._rest.head
    block = head.by_key["train", ""].columns["other"].values
    whole = paths.columns.read_bytes()
    start = whole.index(b"\n", whole.index(b"\n") + 1) + 1 + block.at
    paths.columns.write_bytes(
        whole[:start] + bytes(8 * block.count) + whole[start + 8 * block.count :]
    )
    forget()
    assert len(values(paths)) == 300
    assert measurements.latest(paths)._rest.head.place == head.place
    assert values(paths, "other") == [(step, 1.0) for step in range(1, 301)]


def test_a_stream_that_is_torn_or_no_stream_has_what_can_be_read(paths) -> None:
    assert values(paths) == []
    paths.metrics.write_bytes(b'\xff\xfe\n{"type": "train"}\n[1]\n' + b'{"type": "train", "st')
    assert values(paths) == []
    with paths.metrics.open("a", encoding="utf-8") as file:
        file.write("\n")
    write(paths, [train(5, 1.5), train(6, 1e60), train(7, 2.5) | {"step": -1}])
    assert [step for step, _ in values(paths)] == [5, 6]
    assert np.isnan(values(paths)[1][1])


def test_of_too_many_numbers_the_extremes_stay(paths, monkeypatch) -> None:
    monkeypatch.setattr(columns, "MOST_NUMBERS", 4000)
    records = losses(4000)
    records[1234]["loss"], records[3001]["loss"] = 99.0, -99.0
    write(paths, records)
    kept = values(paths)
    assert (1235, 99.0) in kept
    assert (3002, -99.0) in kept
    assert len(kept) < 1000
    assert measurements.latest(paths).halvings > 0
    assert set(kept) <= set(of(records))


def test_where_the_file_cannot_be_written_the_numbers_are_held_in_memory(
    paths, monkeypatch
) -> None:
    monkeypatch.setattr(measurements, "write_cache", lambda path, data: None)
    records = losses(300)
    write(paths, records)
    assert values(paths) == of(records)
    write(paths, [train(301, 1.0)])
    assert values(paths)[-1] == (301, 1.0)
    assert not paths.columns.exists()


def test_streams_asked_for_long_ago_are_let_go(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(measurements, "MOST_BYTES", 20_000)
    forget()
    for number in range(30):
        paths = TrialPaths(tmp_path / str(number))
        paths.run.mkdir(parents=True)
        write(paths, losses(50))
        values(paths)
    latest = measurements._LATEST
    assert paths.metrics in latest.held
    assert sum(own.weight for own in latest.held.values()) == latest.weight <= 20_000
