"""A resumed run is bitwise the run that was never stopped."""

import json
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from pawn_core.checkpoint import latest_verified, store
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import RUN_TYPES
from pawn_core.metrics import read_records


def assert_same_end(one: Path, other: Path) -> None:
    """Compare weights, optimizer, generators, data cursor and every other saved number."""
    assert_same(*(store.load(latest_verified(path / "checkpoints")) for path in (one, other)))


def assert_same(a: Checkpoint, b: Checkpoint) -> None:
    """Compare two checkpoints, and those of variants inside."""
    assert a.step == b.step
    assert a.members.keys() == b.members.keys()
    for name in a.members:
        assert_same(a.members[name], b.members[name])
    for kind in ("model", "optimizer"):
        ours, theirs = getattr(a, kind), getattr(b, kind)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours), kind
    assert without_place(a.training_state) == without_place(b.training_state)


def without_place(state: dict) -> dict:
    """Leave out the stream's byte offset: speeds have as many digits as they have."""
    return {k: v for k, v in state.items() if k != "metrics"}


VARIATIONS = {
    "plain": {},
    "accumulating": {"accumulation_steps": 2, "lr_schedule": "wsd"},
    "float16": {"amp_dtype": "float16"},
    "bfloat16": {"amp_dtype": "bfloat16"},
    "discarding": {"discard_ply_limit": True, "max_seq_len": 300, "num_workers": 3},
    "exact targets": {"targets": "legal", "mate_boost": 0.5},
    "muon": {"optimizer": "muon"},
    "coordinate": {"vocabulary": "coordinate", "mate_boost": 0.5, "num_workers": 0},
}


@pytest.mark.parametrize(
    ("variation", "pause"), [("plain", 1), ("plain", 8), *((name, 5) for name in VARIATIONS)]
)
def test_a_paused_and_resumed_run_equals_the_uninterrupted_one(
    tiny, train, tmp_path, records, variation: str, pause: int
) -> None:
    raw = tiny | VARIATIONS[variation]
    train(raw, "whole")
    paused = train(raw | {"pause_after_steps": pause}, "same")
    checkpoint = tmp_path / "same/checkpoints" / paused.checkpoint
    train(raw, "other", checkpoint)
    train(raw, "same", checkpoint)
    for name in ("same", "other"):
        assert_same_end(tmp_path / "whole", tmp_path / name)
    same, whole = (records(tmp_path / name)[1:] for name in ("same", "whole"))
    assert same == whole  # all but the config record, which says when to pause
    for kind in ("train", "eval"):
        tail = [{**r, "seq": None} for r in records(tmp_path / "other", kind)]
        whole = [{**r, "seq": None} for r in records(tmp_path / "whole", kind) if r["step"] > pause]
        assert tail == whole


def test_a_resumed_run_in_a_new_folder_begins_its_own_stream(
    tiny, train, tmp_path, records
) -> None:
    train(tiny, "parent")
    before = (tmp_path / "parent/metrics.jsonl").read_bytes()
    checkpoint = tmp_path / "parent/checkpoints/step_00000008"
    train(tiny, "child", checkpoint)
    found = records(tmp_path / "child")
    assert [record["seq"] for record in found] == list(range(len(found)))
    assert [record["type"] for record in found[:2]] == ["config", "event"]
    assert (found[1]["event"], found[1]["step"]) == ("resume", 8)
    assert found[1]["checkpoint"] == str(checkpoint)
    assert (tmp_path / "parent/metrics.jsonl").read_bytes() == before
    assert [p.name for p in (tmp_path / "child/checkpoints").iterdir()] == ["step_00000012"]


def test_a_longer_schedule_can_be_given_on_resume(tiny, train, tmp_path) -> None:
    train(tiny, "short")
    checkpoint = tmp_path / "short/checkpoints/step_00000012"
    assert train(tiny | {"total_steps": 20}, "long", checkpoint).step == 20
    assert train(tiny, "again", checkpoint).message == "completed 12 steps"


@pytest.mark.parametrize(
    ("trained", "here"), [("avx512_bf16", "avx512_f"), ("avx512_f", "avx512_bf16")]
)
def test_a_run_resumed_on_another_machine_keeps_its_precision_and_says_so(
    tiny, train, tmp_path, records, monkeypatch, trained: str, here: str
) -> None:
    def move_to(instructions: str) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {instructions: True})

    raw = tiny | {"amp_dtype": "auto"}
    move_to(trained)
    train(raw, "whole")
    train(raw | {"pause_after_steps": 5}, "part")
    move_to(here)
    train(raw, "moved", tmp_path / "part/checkpoints/step_00000005")
    assert_same_end(tmp_path / "whole", tmp_path / "moved")
    begin, _, event = records(tmp_path / "moved")[:3]
    precision = "bfloat16" if trained == "avx512_bf16" else "none"
    assert begin["amp_dtype"] == event["amp_dtype"] == precision
    assert event["event"] == "precision"


@pytest.mark.parametrize(("batch_size", "first"), [(4, 32), (8, 32), (5, 35), (64, 64)])
def test_another_batch_size_on_resume_repeats_no_game(tiny, batch_size: int, first: int) -> None:
    from pawn_core.training.resume import next_batch

    assert next_batch({"data": {"next_game": 32}}, batch_size) * batch_size == first


SMALL = {"variant": "custom", "d_model": 8, "n_layers": 1, "n_heads": 2}
OF_RUN_TYPE = {
    "pretrain": SMALL,
    "cotrain": {"run_type": "cotrain", "variants": {"a": SMALL, "b": SMALL | {"lr": 3e-3}}},
}
"""What makes a run of each type of the tiny config without its model."""


def test_each_run_type_is_killed_and_resumed() -> None:
    elsewhere = {
        "adapter",
        "sft",
        "grpo",
        "multitask",
        "eval",
        "import",
    }  # which need weights: see the tests of each
    assert OF_RUN_TYPE.keys() | elsewhere == {run_type.name for run_type in RUN_TYPES}


def check_killed_and_resumed(run_type, tiny, train, spawn_warm, tmp_path, records) -> None:
    """Kill a run after a random step and resume it: every byte is that of a run never touched."""
    raw = {k: v for k, v in tiny.items() if k not in SMALL} | OF_RUN_TYPE[run_type]
    raw |= {"total_steps": 160, "eval_interval": 25, "checkpoint_interval": 10}
    train(raw, "whole")
    seed = random.randrange(2**32)
    target = random.Random(seed).randrange(20, 140)
    print(f"seed {seed}: SIGKILL at step {target} or soon after")
    process = spawn_warm(raw, "killed")
    kill_at(process, tmp_path / "killed" / "metrics.jsonl", target)
    checkpoint = latest_verified(tmp_path / "killed/checkpoints")
    assert checkpoint is not None
    train(raw, "killed", checkpoint)
    assert_same_end(tmp_path / "whole", tmp_path / "killed")
    assert records(tmp_path / "killed") == records(tmp_path / "whole")
    assert json.loads((tmp_path / "killed/outcome.json").read_text())["reason"] == "completed"


@pytest.mark.parametrize("run_type", OF_RUN_TYPE)
def test_a_run_killed_at_a_random_step_and_resumed_equals_one_never_touched(
    tiny, train, spawn_warm, tmp_path, records, run_type: str
) -> None:
    check_killed_and_resumed(run_type, tiny, train, spawn_warm, tmp_path, records)


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(10))
@pytest.mark.parametrize("run_type", OF_RUN_TYPE)
def test_a_run_killed_at_ten_random_steps_and_resumed_equals_one_never_touched(
    tiny, train, spawn_warm, tmp_path, records, run_type: str, repetition: int
) -> None:
    check_killed_and_resumed(run_type, tiny, train, spawn_warm, tmp_path, records)


def kill_at(process, metrics: Path, step: int) -> None:
    """Kill the trainer once its stream has reached the step."""
    deadline, offset, last = time.monotonic() + 280, 0, 0
    while last < step:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
        found, offset = read_records(metrics, offset)
        last = found[-1]["step"] if found else last
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
