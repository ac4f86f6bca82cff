"""Weights from elsewhere become the one checkpoint of a run, or the run says what is wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_hub import FakeHub
from hub_fixtures import SIZES, tensors_of
from published import published_config, published_tensors
from safetensors.numpy import load_file, save_file

from pawn_core import cli
from pawn_core.checkpoint import verify
from pawn_core.checkpoint.manifest import file_sha256, latest_verified
from pawn_core.config import ConfigError, parse_config
from pawn_core.uploads import backlog
from pawn_core.uploads.package import Package
from pawn_core.weights import load_pretrained
from pawn_core.weights.export import export_run

IMPORT = {"run_type": "import"}


@pytest.fixture
def take(train, tmp_path: Path):
    """Return a function that imports and returns the run's folder: `take(source, "name")`."""

    def run(weights: object, name: str = "run", **fields: Any) -> Path:
        outcome = train(IMPORT | {"weights": str(weights)} | fields, name)
        assert (outcome.reason, outcome.step) == ("completed", 1)
        return tmp_path / name

    return run


def checkpoint_of(run: Path) -> Path:
    checkpoint = latest_verified(run / "checkpoints")
    assert checkpoint == run / "checkpoints/step_00000001"
    return checkpoint


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
def test_a_published_model_becomes_a_whole_checkpoint_with_the_same_weights(
    publish, take, vocabulary: str
) -> None:
    tensors = tensors_of(vocabulary)
    folder = publish(tensors, published_config(*SIZES, vocabulary))
    checkpoint = checkpoint_of(take(folder))
    assert verify(checkpoint).files.keys() == {
        *("model.safetensors", "training_state.json", "config.json")
    }
    saved = load_file(checkpoint / "model.safetensors")
    assert saved.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(saved[name], tensor)
    assert load_pretrained(checkpoint).spec == load_pretrained(folder).spec


def test_its_config_record_says_what_was_taken_from_where(publish, take, records) -> None:
    folder = publish(tensors_of(), published_config(*SIZES, "searchless"))
    (record,) = records(take(folder), "config")
    assert record["weights"] == {
        "source": str(folder),
        "path": str(folder / "model.safetensors"),
        "revision": None,
        "sha256": file_sha256(folder / "model.safetensors"),
        "step": None,
    }
    d, layers, heads, d_ff = SIZES
    assert record["model"] == {
        "architecture": {"d_model": d, "n_layers": layers, "n_heads": heads, "d_ff": d_ff},
        "vocabulary": "searchless",
        "max_seq_len": 32,
        "prepend_outcome": False,
        "tied": False,
        "parameters": record["parameters"],
    }
    assert record["parameters"] == sum(tensor.size for tensor in tensors_of().values())


def test_a_bare_file_of_the_older_vocabulary_is_taken_by_its_shapes(
    take, tmp_path: Path, records
) -> None:
    file = tmp_path / "old.safetensors"
    save_file(published_tensors(64, 2, 256, "coordinate"), file)
    run = take(file)
    (record,) = records(run, "config")
    assert record["model"]["vocabulary"] == "coordinate"
    loaded = load_pretrained(checkpoint_of(run))
    assert loaded.spec == load_pretrained(file).spec
    assert (loaded.spec.prepend_outcome, loaded.spec.max_seq_len) == (True, 256)


def test_a_repository_is_taken_at_the_commit_that_its_branch_has(
    hub: FakeHub, take, records
) -> None:
    (commit,) = hub.repositories["owner/name"]["main"]
    (record,) = records(take("owner/name@main"), "config")
    assert record["weights"]["source"] == "owner/name@main"
    assert record["weights"]["revision"] == commit.oid


def test_what_the_model_was_trained_by_is_kept(tiny, train, take, tmp_path: Path) -> None:
    train(tiny | {"data_seed": 5}, "trained")
    checkpoint = checkpoint_of(take(tmp_path / "trained/checkpoints/step_00000012"))
    config = json.loads((checkpoint / "config.json").read_bytes())
    assert config["training_config"]["data_seed"] == 5
    assert config["imported"]["step"] == 12
    once_more = checkpoint_of(take(checkpoint, "again"))
    assert load_pretrained(once_more).spec == load_pretrained(checkpoint).spec
    assert (
        json.loads((once_more / "config.json").read_bytes())["training_config"]
        == (config["training_config"])
    )


def test_an_export_of_it_is_a_repository_that_names_its_origin(publish, take, tmp_path) -> None:
    folder = publish(tensors_of("coordinate"), published_config(*SIZES, "coordinate"))
    export_run(take(folder), tmp_path / "out", "again", "mit")
    assert load_pretrained(tmp_path / "out").spec == load_pretrained(folder).spec
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert f"`{folder.name}` (SHA-256 `{file_sha256(folder / 'model.safetensors')}`)" in card
    assert "license: mit" in card


def pickled(folder: Path) -> Path:
    file = folder / "model.pt"
    file.write_bytes(b"\x80\x02.")
    return file


def pickled_under_another_name(folder: Path) -> Path:
    (folder / "model.safetensors").write_bytes(b"PK\x03\x04 and more bytes")
    return folder / "model.safetensors"


def cut_short(folder: Path) -> Path:
    file = folder / "cut.safetensors"
    save_file(tensors_of(), file)
    file.write_bytes(file.read_bytes()[:-8])
    return file


def of_other_shapes(folder: Path) -> Path:
    file = folder / "other.safetensors"
    save_file({"lm_head.weight": np.zeros((50_257, 8), np.float32)}, file)
    return file


def not_finite(folder: Path) -> Path:
    file = folder / "nan.safetensors"
    tensors = published_tensors(64, 2, 256, "searchless")
    tensors["final_norm.weight"][3] = np.nan
    save_file(tensors, file)
    return file


def nowhere(folder: Path) -> Path:
    return folder / "nothing.safetensors"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (pickled, "is a pickle"),
        (pickled_under_another_name, "is a pickle"),
        (cut_short, "its header says"),
        (of_other_shapes, "50257 tokens, no vocabulary"),
        (not_finite, "damaged: final_norm.weight is not finite"),
        (nowhere, "do not exist"),
    ],
)
def test_bad_weights_are_named_and_leave_no_checkpoint(
    take, tmp_path: Path, make, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        take(make(tmp_path))
    assert not [*(tmp_path / "run").rglob("*.safetensors"), *(tmp_path / "run").rglob(".partial*")]


def test_a_published_file_that_differs_from_its_hash_is_refused(publish, take) -> None:
    folder = publish(tensors_of(), published_config(*SIZES, "searchless"))
    (folder / "config.json").write_text(json.dumps(published_config(*SIZES, "coordinate")))
    with pytest.raises(ConfigError, match=r"config\.json does not match its SHA-256"):
        take(folder)


def test_other_weights_than_those_meant_are_refused(publish, take) -> None:
    folder = publish(tensors_of(), published_config(*SIZES, "searchless"))
    sha256 = file_sha256(folder / "model.safetensors")
    with pytest.raises(ConfigError, match=f"their SHA-256 is {sha256}, not {'0' * 64}"):
        take(folder, sha256="0" * 64)
    take(folder, "meant", sha256=sha256)


@pytest.mark.parametrize(
    ("weights", "message"),
    [("owner/nobody", "the hub has no owner/nobody"), ("owner/name@v9", "the hub has no")],
)
def test_a_repository_that_is_not_there_is_named(hub: FakeHub, take, weights, message) -> None:
    with pytest.raises(ConfigError, match=message):
        take(weights)


def test_a_hub_that_cannot_be_reached_is_said(hub: FakeHub, take, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match="hub cannot be reached"):
        take("owner/name")


def test_a_trial_of_the_lab_is_no_foreign_model() -> None:
    with pytest.raises(ConfigError, match="weights 'trial:3' are a trial's already"):
        parse_config(IMPORT | {"weights": "trial:3"})


def test_from_the_command_line_it_is_not_gone_on_from(publish, tmp_path: Path, capfd) -> None:
    folder = publish(tensors_of(), published_config(*SIZES, "searchless"))
    run = str(tmp_path / "run")
    assert cli.main(["--run-type", "import", "--weights", str(folder), "--run-dir", run]) == 0
    assert "to go on" not in capfd.readouterr().err
    assert cli.main(["--resume", run]) == 2
    assert "run_type 'import' leaves nothing to go on with" in capfd.readouterr().err


def test_it_is_uploaded_as_it_is_saved(publish, take) -> None:
    run = take(publish(tensors_of(), published_config(*SIZES, "searchless")))
    notable = backlog.notable(run)
    assert notable.in_order == [checkpoint_of(run)]
    assert "model.safetensors" in Package.of(run, checkpoint_of(run), notable.best).files
