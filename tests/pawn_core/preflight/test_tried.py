"""A try of each run type: its own trainer, its own config, cut short; what it took is measured."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from counting import COUNTING, register, write_base
from made_positions import made_positions
from real_runs import NARROW, real_run, write_backbone
from text_runs import SFT
from tiny import TINY

from pawn_core.checkpoint.manifest import latest_verified
from pawn_core.config import parse_config
from pawn_core.preflight import trying
from pawn_core.run_paths import RunPaths

_VARIANT = {name: TINY[name] for name in ("variant", "d_model", "n_layers", "n_heads")}
_SHARED = {name: value for name, value in TINY.items() if name not in _VARIANT}


def _cotrain(_: Path) -> dict[str, Any]:
    variants = {"one": _VARIANT, "two": _VARIANT | {"lr": 1e-2}}
    return _SHARED | {"run_type": "cotrain", "variants": variants}


def _grpo(folder: Path) -> dict[str, Any]:
    return COUNTING | {"checkpoint": str(write_base(folder / "base"))}


def _multitask(folder: Path) -> dict[str, Any]:
    positions = made_positions(folder / "positions", 24)
    own = {"run_type": "multitask", "variant": "toy", "n_layers": 1, "positions": str(positions)}
    return own | {"batch_size": 6, "amp_dtype": "none", "device": "cpu", "local_checkpoints": True}


def _eval(folder: Path) -> dict[str, Any]:
    write_backbone(folder / "backbone", "pure", NARROW)
    own = {"run_type": "eval", "weights": str(folder / "backbone"), "evals": ["legality"]}
    return own | {"games": 40, "shard_games": 4, "device": "cpu"}


RUNS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "pretrain": lambda _: TINY,
    "cotrain": _cotrain,
    "adapter": real_run,
    "sft": lambda _: SFT,
    "grpo": _grpo,
    "multitask": _multitask,
    "eval": _eval,
}


@pytest.mark.parametrize("run_type", RUNS)
def test_a_run_of_any_type_is_tried_for_three_units_saved_and_read_back(
    run_type: str, tmp_path: Path, monkeypatch
) -> None:
    torch.set_num_threads(1)
    register(monkeypatch)
    config = parse_config(RUNS[run_type](tmp_path) | {"checkpoint_interval": 1})
    run = tmp_path / "trial" / "run.preflight"
    told = trying.train_steps(config.tried(3), run)
    assert (told["reason"], told["steps"], told["not_finite"]) == ("paused", 3, 0)
    assert told["step_s"] > 0
    assert 0 < told["memory_bytes"] < told["memory_limit_bytes"]
    assert [path.name for path in RunPaths(run).checkpoints.iterdir()] == ["step_00000003"]
    read = trying.read_back(run)
    assert read["bytes"] == sum(
        file.stat().st_size for file in RunPaths(run).checkpoints.rglob("*") if file.is_file()
    )


def test_a_try_computes_what_the_run_does_and_sends_nothing_away() -> None:
    sent = {"local_checkpoints": False, "hf_repo": "owner/name", "hf_bucket": "owner/bucket"}
    config = parse_config(TINY | sent | {"val_games": 500, "gpus": 2, "total_steps": 2})
    tried = config.tried(3)
    assert (tried.pause_after_steps, tried.gpus, tried.batch_size) == (2, 1, 2)
    assert (tried.hf_repo, tried.hf_bucket, tried.local_checkpoints) == (None, None, True)
    assert tried.val_games == 32
    same = ("variant", "d_model", "lr", "total_steps", "warmup_steps", "seed", "amp_dtype")
    assert [getattr(tried, name) for name in same] == [getattr(config, name) for name in same]


def test_a_checkpoint_that_the_disk_has_changed_is_noticed(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    trying.train_steps(parse_config(TINY).tried(1), tmp_path / "run")
    saved = latest_verified(RunPaths(tmp_path / "run").checkpoints)
    assert saved is not None
    weights = saved / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ArithmeticError, match="no whole checkpoint"):
        trying.read_back(tmp_path / "run")
