"""The metrics stream: gapless, finite, readable after any crash."""

import json
import random
from pathlib import Path

import pytest

from pawn_core.metrics import Mark, MetricsWriter, read_records


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
    b'{"type": "train"',
    b"\xff\xfe\x00",
    b"[1, 2]",
    b"",
    b'{"no type": 1}',
    b'{"type": "x", "a": ' + b"[" * 50_000 + b"}",
    b'{"type": "long", "text": "' + b"x" * (1 << 20) + b'"}',
]


def test_the_reader_returns_the_good_lines_among_any_bad_ones(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    path = tmp_path / "metrics.jsonl"
    for _ in range(30):
        good = [{"type": "train", "seq": i, "text": "é" * i} for i in range(5)]
        lines = [json.dumps(record).encode() for record in good]
        for bad in generator.sample(BAD_LINES, 3):
            lines.insert(generator.randrange(len(lines) + 1), bad)
        path.write_bytes(b"\n".join(lines) + b"\n")
        assert read_records(path) == (good, path.stat().st_size)
