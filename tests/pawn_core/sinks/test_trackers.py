"""Weights & Biases and Trackio, really, in their offline modes."""

import sqlite3
import sys
from pathlib import Path

import pytest

from pawn_core.checkpoint import store
from pawn_core.config import ConfigError, parse_config
from pawn_core.sinks.registry import SINKS


def rows_of(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        return str(connection.execute("SELECT step, metrics FROM metrics ORDER BY step").fetchall())


@pytest.mark.slow  # imports both in processes of their own: 10 to 30 s
def test_both_trackers_get_the_numbers_and_training_is_bitwise_the_same(
    tiny, spawn, train, tmp_path, records, monkeypatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    process = spawn(tiny | {"wandb": True, "trackio": True}, "tracked")
    assert process.wait(240) == 0, process.stderr.read()
    [synced_later] = (tmp_path / "tracked/wandb").glob("offline-run-*/run-*.wandb")
    assert b"eval/val_loss" in synced_later.read_bytes()
    rows = rows_of(tmp_path / "trackio/pawn-lab.db")
    assert all(name in rows for name in ("train/loss", "train/lr", "eval/kl", "eval/legal_rate"))
    train(tiny, "plain")
    assert records(tmp_path / "tracked")[1:] == records(tmp_path / "plain")[1:]
    ends = [
        store.load(tmp_path / name / "checkpoints/step_00000012") for name in ("tracked", "plain")
    ]
    assert ends[0].training_state["rng"] == ends[1].training_state["rng"]


def test_a_tracker_that_cannot_start_is_an_event_and_training_goes_on(
    tiny, train, tmp_path, records, monkeypatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "no such mode")
    outcome = train(tiny | {"wandb": True}, "run")
    assert outcome.reason == "completed"
    [failed] = [r for r in records(tmp_path / "run", "event") if r["event"] == "sink_failed"]
    assert failed["message"].startswith("wandb gets no more metrics: ")
    assert "mode" in failed["message"]


@pytest.mark.parametrize("sink", [sink.name for sink in SINKS])
def test_a_tracker_that_is_not_installed_is_refused_with_the_way_to_install_it(
    tiny, train, tmp_path, monkeypatch, sink: str
) -> None:
    monkeypatch.setitem(sys.modules, sink, None)
    with pytest.raises(ConfigError, match=f"{sink}: true needs .*: uv sync --extra {sink}"):
        train(tiny | {sink: True}, "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_named_like_the_package_is_not_the_package(monkeypatch, tmp_path) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "wandb"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    config = parse_config({"local_checkpoints": True, "wandb": True})
    assert config.refusals() == [
        "wandb: true needs the package wandb, which is not installed: uv sync --extra wandb"
    ]


@pytest.mark.parametrize("sink", SINKS, ids=lambda sink: sink.name)
def test_every_tracker_is_asked_for_by_a_field_of_its_name(sink) -> None:
    assert parse_config({"local_checkpoints": True, sink.name: True}).model_dump()[sink.name]
