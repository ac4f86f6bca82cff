"""Weights that people already have become the model they came from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_hub import FakeHub
from hub_fixtures import SIZES, tensors_of
from published import published_config, published_tensors
from reference import reference_logits
from safetensors.numpy import load_file, save_file

from pawn_core.checkpoint import (
    CheckpointIntegrityError,
    IncompatibleWeightsError,
    IncompleteCheckpointError,
    UnsafeFileError,
)
from pawn_core.config import Architecture
from pawn_core.weights import load_pretrained
from pawn_core.weights.spec import ModelSpec


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
def test_published_weights_give_the_logits_of_an_independent_computation(
    vocabulary: str, publish
) -> None:
    tensors = tensors_of(vocabulary)
    loaded = load_pretrained(publish(tensors, published_config(*SIZES, vocabulary)))
    assert loaded.spec.architecture == Architecture(*SIZES)
    assert (loaded.vocabulary.name, loaded.spec.max_seq_len) == (vocabulary, 32)
    assert loaded.spec.prepend_outcome == (vocabulary == "coordinate")
    moves = [loaded.vocabulary.move_ids[uci] for uci in ("e2e4", "e7e5", "g1f3", "a7a8q")]
    row = torch.tensor([[*loaded.vocabulary.outcomes.values(), *moves, loaded.vocabulary.pad]])
    state = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    embedded = loaded.model.embed(row)[0].detach().double().numpy()
    expected = reference_logits(state, embedded, heads=3, layers=2)
    found = loaded.model(row)[0].detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


def test_weights_without_an_embedding_are_tied_to_their_head(publish) -> None:
    tensors = {name: t for name, t in tensors_of().items() if not name.startswith("embed.")}
    loaded = load_pretrained(publish(tensors, published_config(*SIZES, "searchless")))
    assert loaded.spec.tied
    row = torch.tensor([[317, 1497, loaded.vocabulary.pad]])
    state = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    expected = reference_logits(state, state["lm_head.weight"][row[0]], heads=3, layers=2)
    found = loaded.model(row)[0].detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


def test_a_part_of_an_embedding_is_refused_by_what_is_missing(publish) -> None:
    tensors = tensors_of()
    del tensors["embed.promo_embed.weight"]
    with pytest.raises(IncompatibleWeightsError, match=r"embed\.promo_embed\.weight"):
        load_pretrained(publish(tensors, published_config(*SIZES, "searchless")))


def test_a_checkpoint_of_this_project_loads_as_it_was_trained(tiny, train, tmp_path) -> None:
    train(tiny | {"prepend_outcome": True}, "run")
    checkpoint = tmp_path / "run/checkpoints/step_00000012"
    loaded = load_pretrained(checkpoint)
    assert loaded.spec == ModelSpec(Architecture(16, 1, 2, 64), "searchless", 24, True)
    saved = load_file(checkpoint / "model.safetensors")
    for name, tensor in loaded.model.state_dict().items():
        np.testing.assert_array_equal(tensor, saved[name])


def test_a_bare_file_of_a_named_variant_needs_no_config(tmp_path: Path) -> None:
    save_file(published_tensors(64, 2, 256, "searchless"), tmp_path / "toy.safetensors")
    loaded = load_pretrained(tmp_path / "toy.safetensors")
    assert loaded.spec.architecture.n_heads == 4
    assert (loaded.spec.max_seq_len, loaded.spec.prepend_outcome) == (512, False)


def test_other_sizes_without_a_config_are_refused_for_want_of_n_heads(tmp_path: Path) -> None:
    save_file(tensors_of(), tmp_path / "model.safetensors")
    with pytest.raises(IncompatibleWeightsError, match=r"tensors do not tell n_heads"):
        load_pretrained(tmp_path)


def test_half_precision_weights_become_float32(publish) -> None:
    half = {name: tensor.astype(np.float16) for name, tensor in tensors_of().items()}
    loaded = load_pretrained(publish(half, published_config(*SIZES, "searchless")))
    assert {p.dtype for p in loaded.model.parameters()} == {torch.float32}
    np.testing.assert_array_equal(
        loaded.model.lm_head.weight.detach(), half["lm_head.weight"].astype(np.float32)
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"d_model": 32}, "config.json says d_model 32, but the tensors say 24"),
        ({"n_layers": 3}, "config.json says n_layers 3, but the tensors say 2"),
        ({"vocab_size": 4278}, "config.json says vocab_size 4278, but the tensors say 1980"),
        ({"rope_base": 500.0}, "rope_base 500.0 is not supported; allowed: 10000"),
    ],
)
def test_a_config_that_contradicts_the_tensors_is_refused(
    changed: dict[str, Any], reason: str, publish
) -> None:
    config = published_config(*SIZES, "searchless")
    config["model_config"] |= changed
    with pytest.raises(IncompatibleWeightsError, match=reason):
        load_pretrained(publish(tensors_of(), config))


def test_another_vocabulary_is_refused_with_those_that_exist(publish) -> None:
    tensors = tensors_of()
    tensors["lm_head.weight"] = np.zeros((4284, 24), dtype=np.float32)
    with pytest.raises(IncompatibleWeightsError, match=r"4284 tokens.*1980 \(searchless\), 4278"):
        load_pretrained(publish(tensors, None))


def test_a_missing_tensor_is_named(publish) -> None:
    tensors = tensors_of()
    del tensors["layers.1.attn.wo.weight"]
    with pytest.raises(IncompatibleWeightsError, match=r"layers\.1\.attn\.wo\.weight"):
        load_pretrained(publish(tensors, published_config(*SIZES, "searchless")))


@pytest.mark.parametrize("name", ["model.pt", "pytorch_model.bin", "last.ckpt"])
def test_a_pickle_is_refused_with_advice_before_it_is_opened(name: str, tmp_path: Path) -> None:
    with pytest.raises(IncompatibleWeightsError, match=r"torch\.load\(path, weights_only=True\)"):
        load_pretrained(tmp_path / name)


def test_a_pickle_under_another_name_is_refused_by_its_first_bytes(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(UnsafeFileError, match="is a pickle"):
        load_pretrained(tmp_path)


def test_a_flipped_bit_is_found_by_the_hash(publish) -> None:
    folder = publish(tensors_of(), published_config(*SIZES, "searchless"))
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointIntegrityError, match=r"does not match its SHA-256"):
        load_pretrained(folder)


def test_a_source_of_no_known_form_is_refused_with_the_forms(tmp_path: Path) -> None:
    with pytest.raises(IncompatibleWeightsError, match="'owner/name'"):
        load_pretrained(tmp_path / "nothing here")
    with pytest.raises(IncompleteCheckpointError, match=r"has no model\.safetensors"):
        load_pretrained(tmp_path)


def test_a_repository_is_downloaded_once_and_then_comes_from_the_cache(hub: FakeHub) -> None:
    first = load_pretrained("owner/name")
    downloads = hub.downloads
    second = load_pretrained("owner/name@main")
    assert first.spec == second.spec
    assert downloads == ["model.safetensors", "config.json", ".complete"] == hub.downloads


@pytest.mark.parametrize("source", ["owner/nobody", "owner/name@v9"])
def test_a_repository_or_revision_that_the_hub_lacks_is_named(source: str, hub: FakeHub) -> None:
    with pytest.raises(IncompleteCheckpointError, match=f"the hub has no {source}"):
        load_pretrained(source)


def test_without_the_hub_only_what_is_in_the_cache_loads(hub: FakeHub, monkeypatch) -> None:
    load_pretrained("owner/name")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    load_pretrained("owner/name")
    with pytest.raises(IncompleteCheckpointError, match="hub cannot be reached"):
        load_pretrained("owner/other")


def offline(monkeypatch: pytest.MonkeyPatch, hub: FakeHub) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def unreachable(monkeypatch: pytest.MonkeyPatch, hub: FakeHub) -> None:
    nowhere = "http://127.0.0.1:9"
    url = f"{nowhere}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", nowhere)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", url)


@pytest.mark.parametrize(
    "cut_off",
    [offline, pytest.param(unreachable, marks=pytest.mark.slow)],  # the client tries for 24 s
)
@pytest.mark.parametrize("absent", [".complete", "config.json"])
def test_without_the_hub_a_file_that_the_repository_lacks_is_not_a_missing_model(
    hub: FakeHub, monkeypatch, tmp_path: Path, cut_off, absent: str
) -> None:
    load_pretrained("owner/name")
    (found,) = (tmp_path / "cache").glob(f"models--owner--name/snapshots/*/{absent}")
    found.unlink()
    if absent == "config.json":
        found.with_name(".complete").unlink()
    cut_off(monkeypatch, hub)
    if absent == ".complete":
        assert load_pretrained("owner/name").spec.architecture == Architecture(*SIZES)
    else:
        with pytest.raises(IncompatibleWeightsError, match="do not tell n_heads"):
            load_pretrained("owner/name")


def test_a_download_that_broke_off_is_not_a_repository_without_the_rest(
    hub: FakeHub, monkeypatch, tmp_path: Path
) -> None:
    load_pretrained("owner/name")
    (weights,) = (tmp_path / "cache").glob("models--owner--name/snapshots/*/model.safetensors")
    weights.unlink()
    offline(monkeypatch, hub)
    with pytest.raises(IncompleteCheckpointError, match="hub cannot be reached"):
        load_pretrained("owner/name")
