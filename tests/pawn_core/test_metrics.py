"""The metrics stream: gapless, finite, readable after any crash."""

import json
import os
import random
from pathlib import Path

import pytest
from pydantic_core import from_json

from pawn_core.metrics import MAX_RECORD_BYTES, Mark, MetricsWriter, measurement, read_records


def test_records_are_gapless_and_finite(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with MetricsWriter(path) as writer:
        writer.write("train", 1, {"loss": 2.5, "lr": float("nan")})
        writer.write("eval", 1, {"kl": float("inf"), "deep": {"x": [float("-inf"), 1.0]}})
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["type"], first["seq"], first["step"], first["lr"]) == ("train", 0, 1, None)
    assert (second["seq"], second["kl"], second["deep"]) == (1, None, {"x": [None, 1.0]})
    assert first["time"] <= second["time"]


def test_a_writer_that_goes_on_drops_what_follows_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with MetricsWriter(path) as writer:
        writer.write("train", 1, {})
        mark = writer.mark()
        writer.write("train", 2, {"dropped": True})
    with path.open("ab") as file:
        file.write(b'{"type": "train", "torn')
    with MetricsWriter(path, mark) as writer:
        writer.write("train", 2, {"again": True})
    records, _ = read_records(path)
    assert [(r["seq"], r["step"]) for r in records] == [(0, 1), (1, 2)]
    assert records[1]["again"]


def test_a_stream_shorter_than_its_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 bytes, its checkpoint expects 10"):
        MetricsWriter(tmp_path / "metrics.jsonl", Mark(10, 1))


def test_a_torn_last_line_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"type": "a"}\n{"type": "b"')
    records, offset = read_records(path)
    assert records == [{"type": "a"}]
    with path.open("ab") as file:
        file.write(b"}\n")
    assert read_records(path, offset) == ([{"type": "b"}], path.stat().st_size)
    assert read_records(tmp_path / "missing") == ([], 0)


BAD_LINES = [
    b'{"type": "train", "loss": NaN}',
    b'{"type": "train", "loss": -Infinity}',
    b'{"type": "train"',
    b"\xff\xfe\x00",
    b"[1, 2]",
    b"",
    b'{"no type": 1}',
    b'{"type": "x", "a": ' + b"[" * 50_000 + b"}",
]
TOO_LONG = b'{"type": "long", "text": "' + b"x" * (1 << 20) + b'"}'


def stream(rng: random.Random) -> bytes:
    """Return a stream of good lines that are torn, doubled, damaged and mixed with bad ones."""
    lines = []
    for seq in range(rng.randint(1, 8)):
        line = json.dumps({"type": "train", "seq": seq, "text": "é" * seq}, ensure_ascii=False)
        lines.append(rng.choice(DAMAGES)(line.encode(), rng))
    if rng.random() < 0.02:
        lines.insert(rng.randrange(len(lines)), TOO_LONG)
    return b"\n".join(lines) + rng.choice([b"\n", b""])


DAMAGES = [
    lambda line, rng: line,
    lambda line, rng: line + b"\n" + line,
    lambda line, rng: line[: rng.randrange(len(line))],
    lambda line, rng: line[: rng.randrange(len(line))] + line,
    lambda line, rng: line.replace(b"}", b', "loss": NaN}'),
    lambda line, rng: line.replace(b"train", bytes([rng.randrange(128, 256)])),
    lambda line, rng: rng.choice(BAD_LINES),
]


def reference(data: bytes) -> list[dict]:
    """Parse the valid lines with another parser, pydantic's."""
    *whole, _ = data.split(b"\n")
    parsed = [parsed_or_none(line) for line in whole if len(line) <= MAX_RECORD_BYTES]
    return [each for each in parsed if isinstance(each, dict) and "type" in each]


def parsed_or_none(line: bytes) -> object:
    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "times", [pytest.param(500, id="500"), pytest.param(10_000, id="10000", marks=pytest.mark.slow)]
)
def test_the_reader_returns_the_valid_lines_however_the_stream_is_damaged(
    tmp_path: Path, times: int
) -> None:
    """Read in two parts, cut at any byte, as of a stream that is still written."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng, path = random.Random(seed), tmp_path / "metrics.jsonl"
    for _ in range(times):
        data = stream(rng)
        path.write_bytes(data[: rng.randrange(len(data) + 1)])
        first, offset = read_records(path)
        path.write_bytes(data)
        rest, offset = read_records(path, offset)
        assert first + rest == reference(data), f"seed {seed}"
        assert offset == data.rfind(b"\n") + 1


def record(**fields: object) -> dict:
    return {"type": "train", "seq": 0, "step": 1, "time": 1.0} | fields


@pytest.mark.parametrize(
    "damaged",
    [
        {"step": None},
        {"step": True},
        {"step": 1.5},
        {"step": -1},
        {"step": "1"},
        {"step": 10**400},
        {"type": 1},
        {"variant": ["small"]},
    ],
)
def test_a_record_whose_place_is_unknown_is_no_measurement(damaged: dict) -> None:
    assert measurement(record(**damaged)) is None


def test_a_measurement_holds_numbers_that_can_be_reckoned_with_or_null() -> None:
    strange = {"text": "1", "huge": 10**400, "large": 1e51, "yes": True, "deep": {"x": 1}}
    sound = {"loss": 2.5, "steps": 3, "none": None}
    assert measurement(record(**strange, **sound)) == record(**dict.fromkeys(strange), **sound)
    assert measurement(record(time=1e300, loss=1.0)) == record(time=None, loss=1.0)
    assert measurement(record(variant="v" * 100))["variant"] == "v" * 64
    assert len(measurement(record(**{f"n{n}": 1 for n in range(1000)}))) < 300


def test_an_event_keeps_its_text_without_half_characters() -> None:
    event = record(type="event", message="\ud83d", code=10**400)
    assert measurement(event) == record(type="event", message="�", code=None)


def test_a_stream_that_is_no_file_or_lies_behind_a_link_has_no_records(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert read_records(tmp_path / "fifo") == ([], 0)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_bytes(b'{"type": "a"}\n')
    (tmp_path / "link").symlink_to("run")
    assert read_records(tmp_path / "run" / "metrics.jsonl", 0, tmp_path)[0]
    assert read_records(tmp_path / "link" / "metrics.jsonl", 0, tmp_path) == ([], 0)


def test_a_stream_that_shrank_is_read_anew_and_a_large_one_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"type": "b"}\n')
    assert read_records(path, offset=100) == ([{"type": "b"}], 14)
    path.write_bytes(b'{"type": "b"}\n' * 200_000)
    part, offset = read_records(path, most=1)
    rest, end = read_records(path, offset)
    assert 0 < len(part) < 200_000
    assert (len(part) + len(rest), end) == (200_000, path.stat().st_size)
