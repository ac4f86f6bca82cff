"""scripts/bench_gpu.py on a CPU: what it prints, and what it survives."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_gpu.py"
ON_CPU = "--device cpu --variants toy --batch-size 4 --max-seq-len 32 --steps 1 --num-workers 1"


@pytest.fixture
def bench():
    """Return the script as a module."""
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("bench_gpu", SCRIPT)
    assert spec
    assert spec.loader
    module = sys.modules["bench_gpu"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(printed: str) -> list[list[str]]:
    """Return the cells of all table rows, heads left out."""
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    return [[c.strip() for c in line.split("|")[1:-1]] for line in lines if "| step" not in line]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_ends_well(bench, capsys) -> None:
    assert bench.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "No GPU here: nothing was measured (scripts/bench_gpu.py)."
    ]


def test_each_section_is_a_table_of_speeds_and_memory(bench, capsys) -> None:
    assert bench.main(["batching", "cotrain", *ON_CPU.split()]) == 0
    found = rows(capsys.readouterr().out)
    assert [row[0] for row in found] == ["toy, packed", "toy, bucketed", "toy, padded", "toy"]
    for _, step_ms, games_per_s, mfu, *_ in found:
        assert float(step_ms) * float(games_per_s.replace(",", "")) == pytest.approx(4000, rel=0.1)
        assert mfu == "unknown"


def test_a_row_that_fails_says_why_and_the_next_is_measured(bench, capsys, monkeypatch) -> None:
    measure = bench.measure

    def fail_twice(config, steps):
        if config.batching == "packed":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 TiB")
        if config.batching == "bucketed":
            raise ValueError("no such kernel\nmore")
        return measure(config, steps)

    monkeypatch.setattr(bench, "measure", fail_twice)
    assert bench.main(["batching", *ON_CPU.split()]) == 0
    packed, bucketed, padded = rows(capsys.readouterr().out)
    assert packed[1] == "out of memory"
    assert bucketed[1] == "failed: ValueError: no such kernel"
    assert float(padded[1]) > 0


def test_an_unknown_section_is_refused_with_those_there_are(bench, capsys) -> None:
    with pytest.raises(SystemExit):
        bench.main(["size"])
    assert "'size' is unknown; one of: sizes, batching, targets" in capsys.readouterr().err


def test_a_long_run_prints_its_evaluations_against_steps_and_hours(bench, capsys, tmp_path) -> None:
    run = ["--longest", "1e-9", "--set", "val_games=2", "--run-dir", str(tmp_path / "run")]
    assert bench.main([*ON_CPU.split(), *run]) == 0
    *evaluations, last = rows(capsys.readouterr().out)
    assert len(evaluations) == bench.EVALUATIONS - 1
    assert [int(row[0]) for row in (*evaluations, last)] == list(range(1, bench.EVALUATIONS + 1))
    _, hours, kl, val_loss, *_ = map(float, last)
    assert 0 < hours < 1
    assert 0 < kl < val_loss
