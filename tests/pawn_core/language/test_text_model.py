"""Models of text are told by what lies beside their weights, and load as they were."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from text_models import SIZES, byte_pairs, written_by

from pawn_core.checkpoint import store
from pawn_core.config import ConfigError
from pawn_core.language import TextModel, TextModelSpec, load_text_model, new_text_model
from pawn_core.run_paths import MODEL, TEXT_MODEL

FAMILIES = ("characters", "gpt2")


def saved(text_model: TextModel, folder: Path) -> Path:
    """Return a checkpoint of a model, as a run saves it."""
    checkpoint = store.Checkpoint(
        step=3,
        tensors={MODEL: text_model.model.state_dict()},
        training_state={},
        config={"run_type": "text of the tests"},
        documents={TEXT_MODEL: text_model.document()},
    )
    return store.save(folder, checkpoint)


def published(folder: Path, **changes: object) -> Path:
    """Return a GPT-2 as others publish it: half precision, a prefix, the causal mask."""
    text_model = written_by("gpt2")
    folder.mkdir()
    tensors = {f"transformer.{n}": t.half() for n, t in text_model.model.state_dict().items()}
    tensors["transformer.h.0.attn.bias"] = torch.ones(1, 1, 4, 4)
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()
    save_file(tensors, folder / MODEL)
    sizes = {"n_embd": SIZES.d_model, "n_layer": SIZES.n_layers, "n_head": SIZES.n_heads}
    config = {"model_type": "gpt2", **sizes, "n_inner": SIZES.d_ff, "n_positions": 40}
    config |= {"activation_function": "gelu_new", "resid_pdrop": 0.1} | changes
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(byte_pairs().document()))
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_loads_with_its_tokenizer_and_says_what_it_is(
    family: str, tmp_path: Path
) -> None:
    text_model = written_by(family)
    folder = saved(text_model, tmp_path / "checkpoints")
    loaded = load_text_model(str(folder), tmp_path)
    assert loaded.spec == text_model.spec
    assert loaded.tokenizer.encode("a cab") == text_model.tokenizer.encode("a cab")
    for name, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, text_model.model.state_dict()[name])
    assert loaded.origin is not None
    assert (loaded.origin.source, loaded.origin.step) == (str(folder), 3)
    newest = load_text_model(str(tmp_path), tmp_path)  # by the run's folder
    assert newest.origin is not None
    assert newest.origin.sha256 == loaded.origin.sha256


def test_a_published_gpt2_loads_from_its_folder(tmp_path: Path) -> None:
    loaded = load_text_model(str(published(tmp_path / "gpt2")), tmp_path)
    expected = written_by("gpt2").model
    tokens = torch.tensor([loaded.tokenizer.encode("the bed had a cab")])
    torch.testing.assert_close(loaded.model(tokens), expected(tokens), rtol=0, atol=2e-2)
    assert {p.dtype for p in loaded.model.parameters()} == {torch.float32}


def test_vocabulary_and_merges_stand_in_for_a_tokenizer_json(tmp_path: Path) -> None:
    folder = published(tmp_path / "gpt2")
    table = byte_pairs().document()["model"]
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"no tokenizer beside its weights; wanted: tokenizer\."):
        load_text_model(str(folder), tmp_path)
    (folder / "vocab.json").write_text(json.dumps(table["vocab"]))
    (folder / "merges.txt").write_text("\n".join(" ".join(pair) for pair in table["merges"]))
    loaded = load_text_model(str(folder), tmp_path)
    assert loaded.tokenizer.encode("the bed") == byte_pairs().encode("the bed")


def test_a_gpt2_on_the_hub_comes_with_its_tokenizer(hub, tmp_path: Path) -> None:
    hub.publish("owner/words", published(tmp_path / "gpt2"))
    loaded = load_text_model("owner/words", tmp_path)
    assert loaded.tokenizer.encode("the bed") == byte_pairs().encode("the bed")
    assert loaded.origin is not None
    again = load_text_model(f"owner/words@{loaded.origin.revision}", tmp_path)
    assert again.origin is not None
    assert again.origin.sha256 == loaded.origin.sha256


def test_a_model_of_chess_moves_is_no_model_of_text(hub, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no model of text: .* chess moves have another vocab"):
        load_text_model("owner/name", tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activation_function": "relu"}, "activation_function 'relu'; allowed: gelu_new"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon 1e-06; allowed: 1e-05"),
        ({"n_head": None}, "n_head None; allowed: 1 or more"),
        ({"n_embd": 25}, "d_model 25 is not divisible by n_heads 3"),
        ({"n_layer": 3}, r"is not such a model: .*h\.2\.ln_1"),
    ],
)
def test_another_model_than_the_tensors_is_refused(
    changes: dict, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"(?s){reason}"):
        load_text_model(str(published(tmp_path / "gpt2", **changes)), tmp_path)


def test_weights_of_another_tokenizer_are_refused(tmp_path: Path) -> None:
    folder = published(tmp_path / "gpt2")
    tensors = load_file(folder / MODEL)
    tensors["transformer.wte.weight"] = tensors["transformer.wte.weight"][:-1].clone()
    del tensors["lm_head.weight"]
    save_file(tensors, folder / MODEL)
    size = byte_pairs().size
    reason = f"another tokenizer: it has {size - 1} tokens, the tokenizer {size}"
    with pytest.raises(ConfigError, match=reason):
        load_text_model(str(folder), tmp_path)


def test_a_head_of_its_own_is_refused(tmp_path: Path) -> None:
    folder = published(tmp_path / "gpt2")
    tensors = load_file(folder / MODEL)
    tensors["lm_head.weight"] += 1
    save_file(tensors, folder / MODEL)
    with pytest.raises(ConfigError, match="a head that is not its embedding"):
        load_text_model(str(folder), tmp_path)


def test_a_damaged_description_is_refused(tmp_path: Path) -> None:
    folder = saved(written_by("characters"), tmp_path / "checkpoints")
    (folder / TEXT_MODEL).write_text("{}")
    with pytest.raises(ConfigError, match=r"does not match its SHA-256"):
        load_text_model(str(folder), tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tokenizer": "words"}, "tokenizer 'words' is unknown; allowed: characters, gpt2"),
        ({"max_seq_len": 0}, "sizes are no positive numbers"),
        ({"architecture": None}, "is no text model's"),
    ],
)
def test_a_description_of_something_else_is_refused(
    change: dict, reason: str, tmp_path: Path
) -> None:
    document = written_by("characters").document() | change
    save_file(written_by("characters").model.state_dict(), tmp_path / MODEL)
    (tmp_path / TEXT_MODEL).write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=reason):
        load_text_model(str(tmp_path), tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_model_is_fixed_by_its_seed(family: str) -> None:
    spec, tokenizer = TextModelSpec(family, SIZES, 40), written_by(family).tokenizer
    first, same, other = (new_text_model(spec, seed, tokenizer).model for seed in (0, 0, 1))
    tokens = torch.tensor([[5, 6]])
    assert torch.equal(first(tokens), same(tokens))
    assert not torch.equal(first(tokens), other(tokens))


def test_a_tokenizer_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="'characters' for a model of 'gpt2'"):
        new_text_model(TextModelSpec("gpt2", SIZES, 40), 0)
