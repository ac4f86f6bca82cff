"""Several processes on one model: the same curve as one process with the same batch."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from made_positions import made_positions
from real_runs import real_run

from pawn_core.checkpoint import latest_verified, store
from pawn_core.config import ConfigError, parse_config
from pawn_core.real_games.games_cache import VARIABLE

TOLERANCE = 1e-5
"""Relative, of losses and weights: float32 sums in another order, over 12 steps."""
NARROW = {"variant": "custom", "d_model": 8, "n_layers": 1, "n_heads": 2}


@pytest.fixture
def torchrun(tmp_path, warm, monkeypatch):
    """Return a function that starts two warm processes of `python -m pawn_core` on the CPU."""
    monkeypatch.setenv("PYTHONPATH", warm)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def start(config: dict, name: str, *arguments: str) -> subprocess.Popen:
        path = tmp_path / f"{name}.json"
        path.write_text(parse_config(config | {"gpus": 2}).model_dump_json())
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        trainer = ["--nproc-per-node", "2", "-m", "pawn_core", "--config", str(path)]
        command = [*launcher, *trainer, "--run-dir", str(tmp_path / name), *arguments]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    return start


def finish(process: subprocess.Popen) -> None:
    _, log = process.communicate(timeout=240)
    assert process.returncode == 0, log


def assert_same_curves(one: list[dict], other: list[dict]) -> None:
    assert [(r["type"], r["step"]) for r in one] == [(r["type"], r["step"]) for r in other]
    for name in ("loss", "grad_norm", "val_loss"):
        values = [[r[name] for r in records if name in r] for records in (one, other)]
        np.testing.assert_allclose(values[1], values[0], rtol=TOLERANCE)


def assert_same_weights(one, other, atol: float = 1e-6) -> None:
    for name, weight in store.load(latest_verified(one)).model.items():
        found = store.load(latest_verified(other)).model[name]
        np.testing.assert_allclose(found, weight, rtol=TOLERANCE, atol=atol)


def test_two_processes_have_the_curve_of_one_and_one_can_go_on_from_them(
    tiny, train, torchrun, tmp_path, records
) -> None:
    raw = tiny | {"batch_size": 8, "accumulation_steps": 2, "max_seq_len": 200}
    raw |= {"discard_ply_limit": True, "log_interval": 1}  # shares of unequal length
    raw |= {"batching": "packed"}
    train(raw, "one")
    finish(torchrun(raw | {"pause_after_steps": 8}, "two"))
    train(raw, "two", tmp_path / "two/checkpoints/step_00000008")
    assert_same_curves(records(tmp_path / "one"), records(tmp_path / "two"))
    assert_same_weights(tmp_path / "one/checkpoints", tmp_path / "two/checkpoints")
    [games] = {r["games"] for r in records(tmp_path / "two", "eval")}
    assert games == raw["val_games"]


def test_two_processes_go_on_from_one_and_agree_when_a_variant_stops(
    tiny, train, torchrun, tmp_path, records
) -> None:
    stuck = NARROW | {"lr": 1e-30, "patience": 1}
    raw = {k: v for k, v in tiny.items() if k not in NARROW} | {"run_type": "cotrain"}
    raw |= {"variants": {"stuck": stuck, "moving": NARROW}}
    train(raw, "one")
    train(raw | {"pause_after_steps": 4}, "two")
    finish(torchrun(raw, "two", "--resume", str(tmp_path / "two/checkpoints/step_00000004")))
    assert_same_curves(records(tmp_path / "one"), records(tmp_path / "two"))
    [stop] = [r for r in records(tmp_path / "two", "event") if r["event"] == "variant_stop"]
    assert (stop["step"], stop["variant"]) == (8, "stuck")


@pytest.mark.slow
def test_a_signal_to_torchrun_stops_all_processes_with_a_checkpoint(
    tiny, torchrun, tmp_path
) -> None:
    process = torchrun(tiny | {"total_steps": 1_000_000, "checkpoint_interval": 5}, "run")
    deadline = time.monotonic() + 120
    while latest_verified(tmp_path / "run/checkpoints") is None:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode != 0
    assert (tmp_path / "run/outcome.json").exists(), log
    assert '"reason": "signal"' in (tmp_path / "run/outcome.json").read_text()


def test_several_gpus_without_their_processes_are_refused_with_the_command(tiny, train) -> None:
    with pytest.raises(ConfigError, match="torchrun --nproc-per-node 2 -m pawn_core"):
        train(tiny | {"gpus": 2}, "run")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gpus": 3}, "gpus 3 x accumulation_steps 1 does not divide batch_size 4"),
        ({"gpus": 2, "accumulation_steps": 4}, "does not divide batch_size 4"),
        ({"gpus": 2, "device": "cuda:1"}, "'cuda:1' is one GPU and gpus is 2"),
    ],
)
def test_shares_that_do_not_come_out_even_are_refused(tiny, fields, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(tiny | fields)


@pytest.mark.slow
def test_two_processes_that_adapt_have_the_curve_of_one(
    train, torchrun, tmp_path, records, monkeypatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    raw = real_run(tmp_path) | {"accumulation_steps": 2, "batching": "packed", "log_interval": 1}
    raw |= {"strategy": "rosa", "rosa_warmup_steps": 4, "rosa_mask_batches": 2}
    raw |= {"density": 0.1, "lr": 1e-3}
    train(raw, "one")
    finish(torchrun(raw, "two"))
    assert_same_curves(records(tmp_path / "one"), records(tmp_path / "two"))


@pytest.mark.slow
def test_two_processes_that_learn_from_positions_have_the_curve_of_one(
    train, torchrun, tmp_path, records
) -> None:
    raw = {"run_type": "multitask", "positions": str(made_positions(tmp_path / "made", 16))}
    raw |= {"variant": "toy", "total_steps": 6, "batch_size": 12, "accumulation_steps": 2}
    raw |= {"eval_interval": 3, "log_interval": 1, "val_positions": 8, "ssl_every_n": 2}
    raw |= {"amp_dtype": "none", "device": "cpu", "local_checkpoints": True}
    train(raw, "one")
    finish(torchrun(raw, "two"))
    one, two = (records(tmp_path / name, "train", "eval") for name in ("one", "two"))
    assert_same_curves(one, two)
    a_hundredth_of_a_step = 1e-5  # Adam makes whole steps of the rounding of gradients near 0
    folders = (tmp_path / name / "checkpoints" for name in ("one", "two"))
    assert_same_weights(*folders, atol=a_hundredth_of_a_step)
    for name in ("policy_loss", "piece_loss", "raw_val_loss"):
        values = [[r.get(name) or 0.0 for r in of_one] for of_one in (one, two)]
        np.testing.assert_allclose(values[1], values[0], rtol=TOLERANCE)
