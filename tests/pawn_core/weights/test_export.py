"""A run becomes a repository that others can load, with a card that says what was measured."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from adapting import adapt, tokens, write_backbone
from safetensors.numpy import load_file

from pawn_core.checkpoint import IncompatibleWeightsError, IncompleteCheckpointError
from pawn_core.metrics import MetricsWriter, read_records
from pawn_core.weights import load_pretrained
from pawn_core.weights.export import export_run, find_best


@pytest.fixture
def run_dir(tiny, train, tmp_path: Path) -> Path:
    """A run with evaluations and checkpoints at steps 4, 8 and 12."""
    train(tiny, "run")
    return tmp_path / "run"


def evaluations(run_dir: Path) -> dict[int, float]:
    records, _ = read_records(run_dir / "metrics.jsonl")
    return {r["step"]: r["val_loss"] for r in records if r["type"] == "eval"}


def test_the_best_checkpoint_is_that_of_the_lowest_validation_loss(run_dir: Path) -> None:
    losses = evaluations(run_dir)
    best = find_best(run_dir)
    assert best.step == min(losses, key=losses.__getitem__)
    (best.checkpoint / "model.safetensors").write_bytes(b"damaged")
    del losses[best.step]
    assert find_best(run_dir).step == min(losses, key=losses.__getitem__)


def test_an_exported_run_loads_with_the_same_weights(run_dir: Path, tmp_path: Path) -> None:
    best = export_run(run_dir, tmp_path / "out", "pawn-tiny", "apache-2.0")
    loaded = load_pretrained(tmp_path / "out")
    assert loaded.spec == load_pretrained(best.checkpoint).spec
    exported = load_file(tmp_path / "out/model.safetensors")
    saved = load_file(best.checkpoint / "model.safetensors")
    assert exported.keys() == saved.keys()
    assert all((exported[name] == saved[name]).all() for name in saved)


def test_the_config_is_in_the_published_form(run_dir: Path, tmp_path: Path) -> None:
    export_run(run_dir, tmp_path / "out", "pawn-tiny", "apache-2.0")
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert config["checkpoint_type"] == "pretrain"
    assert config["model_config"] == {
        "d_model": 16,
        "n_layers": 1,
        "n_heads": 2,
        "d_ff": 64,
        "vocab_size": 1980,
        "max_seq_len": 24,
        "n_outcomes": 11,
        "dropout": 0.0,
        "rope_base": 10000.0,
    }
    assert config["training_config"]["prepend_outcome"] is False


def test_the_card_gives_the_numbers_of_the_record_and_how_they_were_measured(
    run_dir: Path, tmp_path: Path
) -> None:
    best = export_run(run_dir, tmp_path / "out", "pawn-tiny", "apache-2.0")
    card = (tmp_path / "out/README.md").read_text()
    assert f"| `val_loss` | {best.metrics['val_loss']:.6g} | mean cross-entropy" in card
    assert f"| `loss_floor` | {best.metrics['loss_floor']:.6g} | what a perfect model" in card
    assert "On 6 games (" in card
    assert "ply 0 does not" in card


def test_nothing_is_overwritten_or_left_half_done(run_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="name a folder that does not"):
        export_run(run_dir, tmp_path / "out", "pawn-tiny", "apache-2.0")
    with pytest.raises(IncompleteCheckpointError, match="at any of its 0 evaluations"):
        export_run(tmp_path, tmp_path / "new", "pawn-tiny", "apache-2.0")
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


METRICS = {"val_loss": 2.5, "full_loss": 2.75, "top1": 0.375, "illegal_rate": 0.01}
METRICS |= {"games": 30, "positions": 1200}


@pytest.mark.parametrize("strategy", ["lora", "film"])
def test_an_exported_adapter_loads_on_its_backbone_and_its_card_names_that(
    tmp_path: Path, strategy: str
) -> None:
    source = write_backbone(tmp_path / "backbone")
    adapter, checkpoint = adapt(source, tmp_path / "run", strategy, elo_min=1800)
    with MetricsWriter(tmp_path / "run/metrics.jsonl") as metrics:
        metrics.write("eval", 0, METRICS | {"val_loss": 3.0})
        metrics.write("eval", 12, METRICS)
    export_run(tmp_path / "run", tmp_path / "out", "pawn-1800", "apache-2.0")
    exported = {path.name for path in (tmp_path / "out").iterdir()}
    saved = {path.name for path in checkpoint.iterdir()}
    assert saved - exported == {"optimizer.safetensors", "training_state.json"}
    with pytest.raises(IncompleteCheckpointError, match=f"put them at {tmp_path}/out/backbone/"):
        load_pretrained(tmp_path / "out")
    shutil.copytree(source, tmp_path / "out/backbone")
    loaded = load_pretrained(tmp_path / "out")
    assert torch.equal(loaded.model(tokens()), adapter.model(tokens()))
    card = (tmp_path / "out/README.md").read_text()
    assert f"A `{strategy}` adapter" in card
    assert "on the frozen weights of `backbone` (SHA-256" in card
    assert "| `top1` | 0.375 | top-1 accuracy" in card
    assert "`elo_min: 1800`" in card
    assert "On 30 games of `games.pgn` (1,200 predicted moves)" in card


def test_an_export_tells_no_place_of_this_machine(tmp_path: Path) -> None:
    source = write_backbone(tmp_path / "backbone")
    adapt(source, tmp_path / "run", "lora", pgn=str(tmp_path / "games.pgn"))
    with MetricsWriter(tmp_path / "run/metrics.jsonl") as metrics:
        origin = str(tmp_path / "run/checkpoints/step_00000004")
        metrics.write("event", 4, {"message": f"resumed from {origin}", "checkpoint": origin})
        metrics.write("eval", 12, METRICS)
    export_run(tmp_path / "run", tmp_path / "out", "pawn-1800", "apache-2.0")
    for file in (tmp_path / "out").iterdir():
        assert str(tmp_path).encode() not in file.read_bytes(), file.name
    assert '"resumed from step_00000004"' in (tmp_path / "out/metrics.jsonl").read_text()
    assert json.loads((tmp_path / "out/config.json").read_text())["pgn"] == "games.pgn"


def test_an_exported_adapter_says_which_commit_of_a_data_set_it_has_learned_from(
    tmp_path: Path,
) -> None:
    source, data = write_backbone(tmp_path / "backbone"), {"revisions": ["1a2b", None]}
    adapt(source, tmp_path / "run", "lora", {"data": data}, pgn="owner/games", val_pgn="val.pgn")
    with MetricsWriter(tmp_path / "run/metrics.jsonl") as metrics:
        metrics.write("eval", 12, METRICS)
    export_run(tmp_path / "run", tmp_path / "out", "pawn-1800", "apache-2.0")
    config = json.loads((tmp_path / "out/config.json").read_text())
    assert (config["pgn"], config["val_pgn"]) == ("owner/games@1a2b", "val.pgn")
    assert "of `owner/games@1a2b`" in (tmp_path / "out/README.md").read_text()


def test_the_script_says_what_it_wrote(
    run_dir: Path, tmp_path: Path, warm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", warm)
    command = [sys.executable, "scripts/export_hf_repo.py", "--run-dir", str(run_dir)]
    command += ["--output-dir", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"step {find_best(run_dir).step}, val_loss" in done.stdout
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "exists" in again.stderr


def test_a_model_of_text_is_not_published_in_the_form_of_models_of_moves(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text('{"run_type": "sft"}')
    with pytest.raises(IncompatibleWeightsError, match=r"'sft', whose models speak text"):
        export_run(tmp_path / "run", tmp_path / "out", "text", "mit")
    assert not (tmp_path / "out").exists()
