"""An adapter's checkpoint is read together with the very backbone that it was trained on."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from adapting import adapt, backbone, tokens, write_backbone
from fake_hub import FakeHub
from hub_fixtures import SIZES, tensors_of
from published import published_config
from safetensors.torch import load_file, save_file

from pawn_core.checkpoint import (
    CheckpointIntegrityError,
    IncompatibleWeightsError,
    IncompleteCheckpointError,
    store,
    verify,
)
from pawn_core.checkpoint.manifest import seal
from pawn_core.config import ConfigError
from pawn_core.config.adapters import ADAPTERS
from pawn_core.weights import load_pretrained
from pawn_core.weights.source import pinned
from pawn_core.weights.subject import load_backbone, load_subject

CPU = torch.device("cpu")
STRATEGIES = [strategy.name for strategy in ADAPTERS if not strategy.from_scratch]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_adapter_is_loaded_on_its_backbone_and_computes_as_it_was_trained(
    tmp_path, strategy
) -> None:
    source = write_backbone(tmp_path / "backbone", prepend_outcome=True)
    adapter, checkpoint = adapt(source, tmp_path / "run", strategy)
    for named in (checkpoint, checkpoint / "adapter_model.safetensors"):
        loaded = load_pretrained(named)
        assert torch.equal(loaded.model(tokens()), adapter.model(tokens()))
    assert not torch.allclose(backbone()(tokens()), adapter.model(tokens()), atol=1e-3)
    assert loaded.spec == load_pretrained(source).spec
    assert loaded.adapted is not None
    assert loaded.adapted.adapter.config == adapter.config
    assert load_pretrained(source).adapted is None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_its_checkpoint_holds_the_files_of_its_strategy_and_verifies(tmp_path, strategy) -> None:
    adapter, checkpoint = adapt(write_backbone(tmp_path / "backbone"), tmp_path / "run", strategy)
    assert set(verify(checkpoint).files) == adapter.config.adapts_by.files
    read = store.load(checkpoint)
    assert read.documents["backbone.json"]["sha256"]
    assert read.tensors["adapter_model.safetensors"].keys() == adapter.state().keys()


def test_a_checkpoint_with_the_files_of_another_strategy_is_refused(tmp_path) -> None:
    _, checkpoint = adapt(write_backbone(tmp_path / "backbone"), tmp_path / "run", "film")
    whole = store.load(checkpoint)
    whole.documents["adapter_config.json"] = {}
    with pytest.raises(CheckpointIntegrityError, match="must list exactly"):
        verify(store.save(tmp_path / "other", whole))


def test_a_subject_says_which_adapter_and_which_backbone_it_is(tmp_path) -> None:
    source = write_backbone(tmp_path / "backbone", run_type="pretrain", data_seed=7)
    adapter, checkpoint = adapt(source, tmp_path / "run")
    subject = load_subject(str(tmp_path / "run"), tmp_path, CPU)
    assert Path(subject.path) == checkpoint / "adapter_model.safetensors"
    assert subject.sha256 == verify(checkpoint).files["adapter_model.safetensors"]
    assert (subject.step, subject.trained_by["data_seed"]) == (12, 7)
    assert subject.adapted_by == adapter.config.model_dump(mode="json")
    said = subject.document()["adapter"]
    assert said["strategy"] == "lora"
    assert said["backbone"]["path"] == str(source / "model.safetensors")
    assert said["backbone"]["model"]["vocabulary"] == "searchless"


def test_one_changed_weight_of_the_backbone_is_refused_by_its_file(tmp_path) -> None:
    source = write_backbone(tmp_path / "backbone")
    _, checkpoint = adapt(source, tmp_path / "run")
    file = source / "model.safetensors"
    tensors = load_file(file)
    tensors["layers.1.ffn.w_up.weight"][3, 5] += 1e-6
    save_file(tensors, file)
    with pytest.raises(IncompatibleWeightsError, match=f"{file} has SHA-256") as refusal:
        load_pretrained(checkpoint)
    assert "put them at" in str(refusal.value)
    with pytest.raises(ConfigError, match="SHA-256"):
        load_subject(str(checkpoint), tmp_path, CPU)


def test_a_backbone_of_another_vocabulary_or_size_is_refused_by_what_differs(
    tmp_path, publish
) -> None:
    source = write_backbone(tmp_path / "backbone")
    _, checkpoint = adapt(source, tmp_path / "run")
    shutil.rmtree(source)
    other = publish(tensors_of("coordinate"), published_config(*SIZES, "coordinate"))
    shutil.copytree(other, source)
    with pytest.raises(IncompatibleWeightsError) as refusal:
        load_pretrained(checkpoint)
    assert "vocabulary coordinate, not searchless" in str(refusal.value)
    assert "'d_model': 64" in str(refusal.value)


def test_a_backbone_that_is_gone_is_named_with_the_place_where_it_was(tmp_path) -> None:
    source = write_backbone(tmp_path / "backbone")
    _, checkpoint = adapt(source, tmp_path / "run")
    shutil.rmtree(source)
    with pytest.raises(IncompleteCheckpointError) as refusal:
        load_pretrained(checkpoint)
    assert f"put them at {source / 'model.safetensors'}" in str(refusal.value)


def test_a_backbone_of_another_trial_is_found_in_a_workspace_that_has_moved(tmp_path) -> None:
    trials = tmp_path / "old" / "trials"
    seal(write_backbone(trials / "0003/run/checkpoints/step_00000009"), 9)
    adapter, _ = adapt("trial:3@9", trials / "0004" / "run")
    (tmp_path / "old").rename(tmp_path / "new")
    checkpoint = tmp_path / "new/trials/0004/run/checkpoints/step_00000012"
    assert torch.equal(load_pretrained(checkpoint).model(tokens()), adapter.model(tokens()))
    backbone_ = load_pretrained(checkpoint).adapted.backbone
    assert load_backbone(backbone_, tmp_path / "new/trials/0005/run", CPU).step == 9


def test_a_repository_is_found_again_at_the_commit_that_was_used() -> None:
    assert pinned("owner/name", "abc") == "owner/name@abc"
    assert pinned("owner/name@main:folder", "abc") == "owner/name@abc:folder"
    assert pinned("owner/name", None) == "owner/name"
    assert pinned("/a/b/model.safetensors", "abc") == "/a/b/model.safetensors"


def test_an_adapter_is_no_backbone_and_says_how_to_make_one_of_it(tmp_path) -> None:
    _, checkpoint = adapt(write_backbone(tmp_path / "backbone"), tmp_path / "run")
    subject = load_subject(str(checkpoint), tmp_path, CPU)
    with pytest.raises(ConfigError, match=r"itself an adapter \(lora\).*merge_adapter"):
        subject.as_backbone()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lora_rank": 8}, "has shape"),
        ({"strategy": "film"}, "unexpected"),
        ({"adapter_layers": "top-1"}, "unexpected"),
        ({"adapter_layers": "top-3"}, "has 2 layers"),
        ({"run_type": "pretrain"}, "is not a field"),
    ],
    ids=str,
)
def test_an_adapter_that_its_config_does_not_make_is_refused(tmp_path, change, reason) -> None:
    _, checkpoint = adapt(write_backbone(tmp_path / "backbone"), tmp_path / "run")
    (checkpoint / ".complete").unlink()
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(IncompatibleWeightsError, match=reason):
        load_pretrained(checkpoint)


@pytest.mark.parametrize("damage", [{}, {"path": 3}, {"surprise": 1}], ids=str)
def test_a_backbone_file_that_says_something_else_is_refused(tmp_path, damage) -> None:
    _, checkpoint = adapt(write_backbone(tmp_path / "backbone"), tmp_path / "run")
    (checkpoint / ".complete").unlink()
    file = checkpoint / "backbone.json"
    file.write_text(json.dumps((json.loads(file.read_text()) | damage) if damage else {}))
    with pytest.raises(CheckpointIntegrityError, match=r"backbone\.json"):
        load_pretrained(checkpoint)
    file.unlink()
    with pytest.raises(IncompleteCheckpointError, match=r"no backbone\.json"):
        load_pretrained(checkpoint)


def test_an_adapter_of_the_hub_is_loaded_on_the_commit_of_its_backbone_on_the_hub(
    hub: FakeHub, tmp_path, monkeypatch
) -> None:
    adapter, checkpoint = adapt("owner/name", tmp_path / "run")
    hub.publish("owner/adapter", checkpoint)
    moved = tmp_path / "published"
    save_file(load_file(moved / "model.safetensors") | {"x": torch.zeros(1)}, moved / "new")
    (moved / "new").rename(moved / "model.safetensors")
    hub.publish("owner/name", moved)  # main is another model by now
    shutil.rmtree(tmp_path / "cache")
    loaded = load_pretrained("owner/adapter")
    assert torch.equal(loaded.model(tokens()), adapter.model(tokens()))
    assert loaded.adapted is not None
    assert loaded.adapted.files.revision == loaded.adapted.backbone.revision
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    again = load_pretrained("owner/adapter")  # from the cache, which has no model of this name
    assert torch.equal(again.model(tokens()), adapter.model(tokens()))
