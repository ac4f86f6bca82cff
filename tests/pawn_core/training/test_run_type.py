"""A run type without an optimizer goes through the trainer by its one entry."""

import json
from pathlib import Path

import answering
import pytest

from pawn_core import cli
from pawn_core.checkpoint import CheckpointIntegrityError, store, verify
from pawn_core.checkpoint.manifest import seal
from pawn_core.config import ConfigError, config_json_schema, parse_config
from pawn_core.estimate import estimate
from pawn_core.uploads import backlog
from pawn_core.uploads.package import Package

FLAGS = ("--run-type", "answering", "--local-checkpoints", "--device", "cpu")


@pytest.fixture(autouse=True)
def registered(monkeypatch) -> None:
    answering.register(monkeypatch)


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Return a function that runs `pawn-train` with more flags in a folder, in this process."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(name: str, *flags: str) -> Path:
        assert cli.main([*FLAGS, "--run-dir", str(tmp_path / name), *flags]) == 0
        return tmp_path / name

    return run


def outcome_of(run_dir: Path) -> dict:
    return json.loads((run_dir / "outcome.json").read_text("utf-8"))


def test_it_completes_with_its_own_metric_and_members(answer, records, capfd, caplog) -> None:
    caplog.set_level("INFO")
    run = answer("run", "--total-items", "12", "--checkpoint-interval", "6")
    outcome = outcome_of(run)
    assert (outcome["reason"], outcome["step"]) == ("completed", 12)
    assert outcome["message"] == "completed 12 items"
    evaluations = records(run, "eval")
    assert [record["step"] for record in evaluations] == [5, 10, 12]
    assert outcome["metrics"] == {"accuracy": evaluations[-1]["accuracy"]}
    for name in ("step_00000006", "step_00000012"):
        assert verify(run / "checkpoints" / name).files.keys() == {
            *("answers.safetensors", "training_state.json", "config.json")
        }
    assert not (run / "schedule_health.json").exists()
    assert "eval accuracy 0." in caplog.text
    assert "--total-items N" in capfd.readouterr().err


@pytest.mark.parametrize("pause", [5, 7])
def test_paused_and_resumed_it_is_bitwise_the_run_that_never_paused(
    answer, records, pause: int
) -> None:
    whole = answer("whole", "--total-items", "12")
    part = answer("part", "--total-items", "12", "--pause-after-steps", str(pause))
    assert outcome_of(part)["message"] == f"paused after {pause} items"
    resumed = answer("part", "--resume", str(part))
    assert outcome_of(resumed) == outcome_of(whole)
    pauses = ("pause", "checkpoint")
    ours, theirs = (
        [
            {k: v for k, v in r.items() if k not in ("seq", "config")}
            for r in records(run)
            if r.get("event") not in pauses
        ]
        for run in (resumed, whole)
    )
    assert ours == theirs
    ours, theirs = (store.load(run / "checkpoints/step_00000012") for run in (resumed, whole))
    [answers] = ours.tensors["answers.safetensors"].values()
    assert answers.equal(theirs.tensors["answers.safetensors"]["answers"])
    assert ours.training_state["rng"] == theirs.training_state["rng"]


def test_what_its_checkpoint_lacks_is_noticed_though_every_hash_is_right(answer) -> None:
    checkpoint = answer("run", "--total-items", "3") / "checkpoints/step_00000003"
    (checkpoint / "answers.safetensors").unlink()
    (checkpoint / ".complete").unlink()
    seal(checkpoint, 3)
    with pytest.raises(CheckpointIntegrityError, match="must list exactly answers"):
        verify(checkpoint)


def test_its_best_checkpoint_is_that_of_its_highest_accuracy(answer, records) -> None:
    run = answer("run", "--total-items", "20", "--checkpoint-interval", "5", "--choices", "2")
    accuracy = {r["step"]: r["accuracy"] for r in records(run, "eval")}
    best = backlog.notable(run).best
    assert accuracy[int(best[""].name[5:])] == max(accuracy.values()) > min(accuracy.values())
    assert "model.safetensors" not in Package.of(run, best[""], best).files


def test_fields_of_another_run_type_are_refused_and_its_own_are_in_its_schema() -> None:
    with pytest.raises(ConfigError, match="lr is not a field of run_type 'answering'"):
        parse_config({"run_type": "answering", "local_checkpoints": True, "lr": 0.1})
    fields = config_json_schema("answering")["properties"]
    assert {"total_items", "choices", "seed", "device", "hf_repo"} <= fields.keys()
    assert not {"lr", "batch_size", "amp_dtype", "patience"} & fields.keys()


def test_a_pause_past_its_length_is_refused_by_the_names_of_its_fields() -> None:
    with pytest.raises(ConfigError, match="pause_after_steps 30 is past total_items 20"):
        parse_config({"run_type": "answering", "local_checkpoints": True, "pause_after_steps": 30})


def test_a_field_that_its_checkpoint_decides_cannot_be_changed(answer, tmp_path, capfd) -> None:
    part = answer("part", "--pause-after-steps", "5")
    flags = [*FLAGS, "--run-dir", str(tmp_path / "other"), "--resume", str(part), "--seed", "1"]
    assert cli.main(flags) == 2
    assert "seed 1 differs from the checkpoint's 0" in capfd.readouterr().err


def test_there_are_no_steps_of_it_to_measure() -> None:
    config = parse_config({"run_type": "answering", "local_checkpoints": True, "device": "cpu"})
    with pytest.raises(ConfigError, match="run_type 'answering' has no optimizer steps"):
        estimate(config)
