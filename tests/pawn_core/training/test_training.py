"""Whole runs in this process: what they write, when they stop."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import chess_engine
import pytest
import torch

from pawn_core.checkpoint import IncompleteCheckpointError, store, verify
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import Architecture, ConfigError
from pawn_core.flops import training_flops
from pawn_core.metrics import read_records
from pawn_core.runtime import Runtime, resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.training import trainer


def outcome_of(run_dir: Path) -> dict:
    return json.loads((run_dir / "outcome.json").read_text())


def steps(found: list[dict]) -> list[int]:
    return [record["step"] for record in found]


def test_a_run_leaves_its_config_metrics_checkpoints_and_outcome(
    tiny, train, tmp_path, records
) -> None:
    outcome = train(tiny, "run")
    assert (outcome.reason, outcome.exit_code, outcome.step) == ("completed", 0, 12)
    run_dir = tmp_path / "run"
    assert sorted(p.name for p in run_dir.iterdir()) == [
        "checkpoints",
        "config.json",
        "metrics.jsonl",
        "outcome.json",
        "schedule_health.json",
    ]
    found = records(run_dir)
    assert [record["seq"] for record in found] == list(range(len(found)))
    assert found[0]["type"] == "config"
    assert found[0]["config"] == json.loads((run_dir / "config.json").read_text())
    assert steps(records(run_dir, "train")) == [3, 6, 9, 12]
    assert steps(records(run_dir, "eval")) == [4, 8, 12]
    events = [(record["event"], record["step"]) for record in records(run_dir, "event")]
    assert events == [("start", 0), *(("checkpoint", s) for s in (4, 8, 12)), ("stop", 12)]
    names = sorted(p.name for p in (run_dir / "checkpoints").iterdir())
    assert names == ["step_00000004", "step_00000008", "step_00000012"]
    assert [verify(run_dir / "checkpoints" / name).step for name in names] == [4, 8, 12]
    last_eval = records(run_dir, "eval")[-1]
    assert outcome_of(run_dir)["metrics"].items() <= last_eval.items()
    assert outcome_of(run_dir)["checkpoint"] == "step_00000012"


def test_a_train_record_is_the_mean_over_its_window_weighted_by_token(
    tiny, train, tmp_path, records
) -> None:
    train(tiny | {"log_interval": 1}, "each")
    train(tiny | {"log_interval": 4}, "window")
    each = records(tmp_path / "each", "train")
    window = records(tmp_path / "window", "train")
    assert [record["lr"] for record in window] == [each[s - 1]["lr"] for s in (4, 8, 12)]
    for index, record in enumerate(window):
        part = [r["grad_norm"] for r in each[index * 4 : index * 4 + 4]]
        assert record["grad_norm"] == pytest.approx(sum(part) / 4)
        losses = [r["loss"] for r in each[index * 4 : index * 4 + 4]]
        assert min(losses) < record["loss"] < max(losses)


def test_a_train_record_reports_the_speed_of_its_window(tiny, train, tmp_path) -> None:
    train(tiny | {"log_interval": 12, "accumulation_steps": 2}, "run")
    found, _ = read_records(tmp_path / "run" / "metrics.jsonl")
    (record,) = [r for r in found if r["type"] == "train"]
    lengths = chess_engine.generate_random_games(12 * 4, seed=0, max_ply=24).lengths.astype(int)
    tokens, pairs = int(lengths.sum()), int((lengths * (lengths + 1) // 2).sum())
    n_tokens = chess_engine.export_move_vocabulary().size
    flops = training_flops(Architecture(16, 1, 2, 64), n_tokens, tokens, pairs)
    elapsed = 12 * record["step_s"]
    assert record["tokens_per_s"] * elapsed == pytest.approx(tokens)
    assert record["games_per_s"] * elapsed == pytest.approx(48)
    assert record["flops_per_s"] * elapsed == pytest.approx(flops)
    assert 0 <= record["data_wait_s"] <= record["step_s"]
    assert (record["mfu"], record["device_memory_bytes"]) == (None, None)


def test_training_learns(tiny, train, tmp_path, records) -> None:
    train(tiny | {"total_steps": 60, "lr": 1e-2, "eval_interval": 20}, "run")
    losses = [record["val_loss"] for record in records(tmp_path / "run", "eval")]
    divergence = [record["kl"] for record in records(tmp_path / "run", "eval")]
    assert losses[0] > losses[-1] + 0.1
    assert divergence[0] > divergence[-1] + 0.1


def test_exact_targets_then_muon_come_nearer_to_the_distribution_in_as_many_steps(
    tiny, train
) -> None:
    raw = tiny | {"total_steps": 80, "lr": 3e-3, "eval_interval": 80, "batch_size": 8}
    raw |= {"d_model": 32, "val_games": 40}
    plain = train(raw, "plain").metrics["kl"]
    exact = train(raw | {"targets": "legal"}, "exact").metrics["kl"]
    both = train(raw | {"targets": "legal", "optimizer": "muon"}, "both").metrics["kl"]
    assert both + 0.05 < exact < plain - 0.05


def test_a_pause_saves_evaluates_and_says_so(tiny, train, tmp_path, records) -> None:
    outcome = train(tiny | {"pause_after_steps": 6}, "run")
    assert (outcome.reason, outcome.step, outcome.checkpoint) == ("paused", 6, "step_00000006")
    assert steps(records(tmp_path / "run", "eval")) == [4, 6]
    assert records(tmp_path / "run", "event")[-1]["event"] == "pause"
    assert outcome.metrics["val_loss"] == records(tmp_path / "run", "eval")[-1]["val_loss"]


def test_a_pause_at_the_last_step_is_the_end(tiny, train) -> None:
    outcome = train(tiny | {"pause_after_steps": tiny["total_steps"]}, "run")
    assert (outcome.reason, outcome.step) == ("completed", tiny["total_steps"])


def test_patience_stops_a_run_that_no_longer_improves(tiny, train) -> None:
    outcome = train(tiny | {"lr": 1e-30, "patience": 2, "total_steps": 400}, "run")
    assert (outcome.reason, outcome.step) == ("patience", 12)
    assert "in 2 evaluations" in outcome.message


@pytest.mark.parametrize("metric", ["val_loss", "compound"])
def test_patience_is_restored_on_resume(tiny, train, tmp_path, metric: str) -> None:
    raw = tiny | {"lr": 1e-30, "patience": 3, "total_steps": 400, "patience_metric": metric}
    assert train(raw, "whole").step == 16
    paused = train(raw | {"pause_after_steps": 8}, "paused")
    resumed = train(raw, "resumed", tmp_path / "paused" / "checkpoints" / paused.checkpoint)
    assert (resumed.reason, resumed.step) == ("patience", 16)


@pytest.mark.parametrize(
    ("fields", "reason", "steps", "final_lr"),
    [
        ({}, "completed", 12, 1e-3 * 0.55),
        ({"pause_after_steps": 6}, "paused", 6, 1e-3),
        ({"lr": 1e-30, "patience": 1}, "patience", 8, 1e-30),
    ],
)
def test_a_stop_leaves_the_plan_of_the_schedule_beside_what_was_done(
    tiny, train, tmp_path, fields, reason: str, steps: int, final_lr: float
) -> None:
    schedule = {"lr_schedule": "wsd", "decay_steps": 2, "min_lr_ratio": 0.1, "warmup_steps": 0}
    raw = tiny | schedule | fields
    train(raw, "run")
    assert json.loads((tmp_path / "run" / "schedule_health.json").read_text()) == {
        "planned_steps": 12,
        "actual_steps": steps,
        "lr_schedule": "wsd",
        "planned_final_lr": raw["lr"] * 0.55,
        "final_lr": pytest.approx(final_lr),
        "reason": reason,
    }


def stop_after(reads: int) -> StopFlag:
    """Return a flag that is set by the time it has been read so often."""

    class Counting(StopFlag):
        def __getattribute__(self, name: str):
            if name == "signal":
                remaining = object.__getattribute__(self, "__dict__").setdefault("reads", reads)
                self.__dict__["reads"] = remaining - 1
                return signal.SIGTERM if remaining <= 0 else None
            return object.__getattribute__(self, name)

    return Counting()


def test_a_signal_while_a_paused_run_is_evaluated_leaves_it_paused(tiny, train, tmp_path) -> None:
    class DuringEvaluation(StopFlag):
        def check(self) -> None:
            self.signal = signal.SIGTERM
            super().check()

    outcome = train(tiny | {"pause_after_steps": 3}, "run", stop=DuringEvaluation())
    assert (outcome.reason, outcome.checkpoint) == ("paused", "step_00000003")


@pytest.mark.parametrize("reads", range(0, 16, 3))
def test_a_signal_at_any_moment_saves_and_the_resumed_run_is_none_the_worse(
    tiny, train, tmp_path, records, reads: int
) -> None:
    """Also in the middle of an evaluation, which the resumed run then makes up for."""
    train(tiny, "whole")
    outcome = train(tiny, "run", stop=stop_after(reads))
    assert (outcome.reason, outcome.exit_code) == ("signal", 143)
    if outcome.checkpoint is None:
        assert outcome.step == 0
        return
    train(tiny, "run", tmp_path / "run" / "checkpoints" / outcome.checkpoint)
    assert records(tmp_path / "run") == records(tmp_path / "whole")


def poisoned(path: Path, target: Path) -> Path:
    """Save a copy of a checkpoint with one infinite weight."""
    good = store.load(path)
    good.model["lm_head.weight"][0, 0] = torch.inf
    parts = (good.step, good.tensors, good.training_state, good.config)
    return store.save(target, Checkpoint(*parts))


def test_a_non_finite_loss_stops_the_run_names_the_step_and_keeps_the_good_checkpoint(
    tiny, train, tmp_path, records
) -> None:
    train(tiny | {"pause_after_steps": 5}, "good")
    start = poisoned(tmp_path / "good/checkpoints/step_00000005", tmp_path / "poisoned")
    outcome = train(tiny, "run", start)
    assert (outcome.reason, outcome.exit_code) == ("non_finite", 3)
    event = records(tmp_path / "run", "event")[-1]
    assert (event["event"], event["non_finite_step"]) == ("non_finite", 6)
    assert "step 6" in outcome.message
    assert not list((tmp_path / "run").glob("checkpoints/*"))
    assert verify(tmp_path / "good/checkpoints/step_00000005").step == 5


def test_an_unexpected_error_is_recorded_and_exits_1(tiny, train, tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save", full)
    outcome = train(tiny, "run")
    assert (outcome.reason, outcome.exit_code, outcome.step) == ("error", 1, 4)
    assert outcome.metrics["val_loss"] > 0
    assert "No space left on device" in outcome_of(tmp_path / "run")["message"]


def test_a_folder_that_holds_a_run_is_not_written_into(tiny, train, tmp_path) -> None:
    train(tiny, "run")
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    with pytest.raises(ConfigError, match="already holds a run"):
        train(tiny, "run")
    train(tiny, "other")
    with pytest.raises(ConfigError, match="already holds a run"):
        train(tiny, "run", tmp_path / "other/checkpoints/step_00000008")
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before


def test_a_folder_that_cannot_be_written_is_refused_by_name(tiny, train, tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"run-dir .*file/run cannot be written: Not a directory"):
        train(tiny, "file/run")


def test_a_stream_that_lost_its_records_is_not_gone_on_with(tiny, train, tmp_path) -> None:
    train(tiny, "run")
    (tmp_path / "run/metrics.jsonl").write_text("")
    with pytest.raises(ConfigError, match="0 bytes, its checkpoint expects"):
        train(tiny, "run", tmp_path / "run/checkpoints/step_00000008")


def test_tensors_of_another_model_are_refused_and_leave_the_folder_usable(
    tiny, train, tmp_path
) -> None:
    train(tiny, "run")
    good = store.load(tmp_path / "run/checkpoints/step_00000008")
    del good.model["final_norm.weight"]
    other = store.save(tmp_path / "other", good)
    with pytest.raises(ConfigError, match="weights are not this model's"):
        train(tiny, "new", other)
    assert train(tiny, "new").reason == "completed"


def test_a_damaged_checkpoint_is_not_resumed(tiny, train, tmp_path) -> None:
    train(tiny, "run")
    checkpoint = tmp_path / "run/checkpoints/step_00000008"
    (checkpoint / ".complete").unlink()
    with pytest.raises(IncompleteCheckpointError):
        train(tiny, "resumed", checkpoint)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d_model": 32}, "d_model 32 differs from the checkpoint's 16"),
        ({"vocabulary": "coordinate", "prepend_outcome": False}, "vocabulary 'coordinate' differs"),
        ({"pause_after_steps": 8}, "allowed: 9 to 12, or null"),
    ],
)
def test_a_resumed_run_keeps_its_model(tiny, train, tmp_path, change, message) -> None:
    train(tiny, "run")
    with pytest.raises(ConfigError, match=message):
        train(tiny | change, "resumed", tmp_path / "run/checkpoints/step_00000008")


@pytest.mark.parametrize("amp_dtype", ["bfloat16", "none"])
def test_a_run_says_why_it_attends_by_another_way_than_the_fastest(
    tiny, train, records, tmp_path, monkeypatch, amp_dtype: str
) -> None:
    def on_another_device(*arguments: Any) -> Runtime:
        refused = {"varlen": "its mix is off by 9.0%", "flash": "it is not there"}
        runtime = resolve_runtime(*arguments)
        return replace(runtime, attention="flex", attention_refused=refused)

    monkeypatch.setattr(trainer, "resolve_runtime", on_another_device)
    train(tiny | {"total_steps": 1, "amp_dtype": amp_dtype}, "run")
    [begin] = records(tmp_path / "run", "config")
    assert begin["attention"] == "flex"
    assert begin["attention_refused"]["flash"] == "it is not there"
    events = [r["message"] for r in records(tmp_path / "run", "event") if r["event"] == "attention"]
    why = "varlen: its mix is off by 9.0%; flash: it is not there"
    assert events == ([f"attends by 'flex', for want of {why}"] if amp_dtype != "none" else [])
