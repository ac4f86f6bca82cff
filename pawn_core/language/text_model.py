"""A model of text with its tokenizer: made new, loaded, and told apart from any other."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from pawn_core.checkpoint.errors import CheckpointError, IncompatibleWeightsError
from pawn_core.checkpoint.manifest import read_document
from pawn_core.config import Architecture, ConfigError
from pawn_core.language.tokenizer import CharacterVocabulary, Gpt2Tokenizer, Tokenizer
from pawn_core.model import Gpt2, LanguageModel, Transformer
from pawn_core.run_paths import TEXT_MODEL
from pawn_core.text_path import text_path
from pawn_core.weights.source import Files, Origin, companion, find
from pawn_core.weights.trials import place_of

CHARACTERS, GPT2 = CharacterVocabulary.name, Gpt2Tokenizer.name

_SIZES = ("n_embd", "n_layer", "n_head", "n_positions")
_REQUIRED = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "tie_word_embeddings": (True,),
    "add_cross_attention": (False,),
}
"""Of a published GPT-2's config, what else would be another model; the first is the default."""
_DERIVED = (".attn.bias", ".attn.masked_bias")
"""Ends of names of tensors that some publish beside the weights: the causal mask."""


@dataclass(frozen=True)
class TextModelSpec:
    """Everything that is needed to build the model, but its tokenizer's tables."""

    tokenizer: str
    """`characters`, for the project's own transformer, or `gpt2`, for GPT-2."""
    architecture: Architecture
    max_seq_len: int

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self) | {"architecture": self.architecture._asdict()}

    @classmethod
    def read(cls, document: Mapping[str, Any], where: Path) -> "TextModelSpec":
        """Return what a `text_model.json` says.

        Raises:
            IncompatibleWeightsError: it says something else.
        """
        try:
            tokenizer, max_seq_len = document["tokenizer"], document["max_seq_len"]
            sizes = {name: document["architecture"][name] for name in Architecture._fields}
        except (KeyError, TypeError) as error:
            raise IncompatibleWeightsError(f"{where} is no text model's: {error!r}") from None
        if tokenizer not in (CHARACTERS, GPT2):
            raise IncompatibleWeightsError(
                f"{where}: tokenizer {tokenizer!r} is unknown; allowed: {CHARACTERS}, {GPT2}"
            )
        if not all(type(n) is int and n > 0 for n in (max_seq_len, *sizes.values())):
            raise IncompatibleWeightsError(f"{where}: sizes are no positive numbers")
        return cls(tokenizer, Architecture(**sizes), max_seq_len)


@dataclass(frozen=True)
class TextModel:
    """A model with its tokenizer."""

    model: LanguageModel
    """float32, in evaluation mode; it has no dropout in any mode."""
    tokenizer: Tokenizer
    spec: TextModelSpec
    origin: Origin | None = None
    """None of a new model."""

    @property
    def parameters(self) -> int:
        """Parameters of the model."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def document(self) -> dict[str, Any]:
        """Return what a checkpoint keeps as `text_model.json`: with its tensors all it takes."""
        table = self.tokenizer.document() if isinstance(self.tokenizer, Gpt2Tokenizer) else None
        return self.spec.document() | {"tokenizer_json": table}


def new_text_model(
    spec: TextModelSpec,
    seed: int,
    tokenizer: Tokenizer | None = None,
    device: str | torch.device = "cpu",
) -> TextModel:
    """Return an untrained model; that of GPT-2 needs a tokenizer.

    Raises:
        ValueError: the tokenizer is not that of the spec.
    """
    tokenizer = tokenizer or CharacterVocabulary()
    if tokenizer.name != spec.tokenizer:
        raise ValueError(f"a tokenizer {tokenizer.name!r} for a model of {spec.tokenizer!r}")
    model = _build(spec, tokenizer.size)
    model.initialize(torch.Generator().manual_seed(seed))
    return TextModel(model.eval().to(device), tokenizer, spec)


def load_text_model(source: str, run_dir: Path, device: str | torch.device = "cpu") -> TextModel:
    """Return the model of a checkpoint, a GPT-2 folder or a repository on the hub.

    Args:
        source: `trial:12@best`, a folder with `model.safetensors`, a run's folder, `owner/name`,
            `owner/name@revision`.
        run_dir: a run in a trial's folder, beside which `trial:N` is looked for.

    Raises:
        ConfigError: there are no such weights, they are damaged, or of no model of text.
    """
    try:
        place = str(place_of(source, run_dir))
        return _load(source, place, find(place), torch.device(device))
    except (CheckpointError, OSError) as error:
        raise ConfigError(f"weights {source!r}: {error}") from None


def _load(source: str, place: str, files: Files, device: torch.device) -> TextModel:
    own = companion(place, files, TEXT_MODEL)
    if own is not None:
        spec, tokenizer = _of_checkpoint(read_document(own), own)
    elif (files.config or {}).get("model_type") == "gpt2":
        spec, tokenizer = _published_gpt2(place, files)
    else:
        raise IncompatibleWeightsError(
            f"{files.model} is no model of text: beside it is neither {TEXT_MODEL}, as runs of sft "
            "and grpo save it, nor the config.json of a GPT-2; models of chess moves have another "
            "vocabulary and cannot read text"
        )
    model = _build(spec, tokenizer.size)
    _fill(model, _tensors(files), files.model)
    return TextModel(model.eval().to(device), tokenizer, spec, files.origin(source))


def _of_checkpoint(document: dict[str, Any], where: Path) -> tuple[TextModelSpec, Tokenizer]:
    spec = TextModelSpec.read(document, where)
    if spec.tokenizer == CHARACTERS:
        return spec, CharacterVocabulary()
    return spec, Gpt2Tokenizer(document.get("tokenizer_json") or {})


def _published_gpt2(place: str, files: Files) -> tuple[TextModelSpec, Tokenizer]:
    config = files.config or {}
    for name, allowed in _REQUIRED.items():
        if config.get(name, allowed[0]) not in allowed:
            raise IncompatibleWeightsError(
                f"config.json says {name} {config[name]!r}; allowed: {', '.join(map(str, allowed))}"
            )
    width, depth, heads, positions = (_size(config, name) for name in _SIZES)
    d_ff = _size(config, "n_inner") if config.get("n_inner") else 4 * width
    spec = TextModelSpec(GPT2, Architecture(width, depth, heads, d_ff), positions)
    return spec, _published_tokenizer(place, files)


def _size(config: Mapping[str, Any], name: str) -> int:
    size = config.get(name)
    if type(size) is not int or size < 1:
        raise IncompatibleWeightsError(f"config.json says {name} {size!r}; allowed: 1 or more")
    return size


def _published_tokenizer(place: str, files: Files) -> Gpt2Tokenizer:
    whole = companion(place, files, "tokenizer.json")
    if whole is not None:
        return Gpt2Tokenizer(read_document(whole))
    vocabulary, merges = (companion(place, files, n) for n in ("vocab.json", "merges.txt"))
    if vocabulary is None or merges is None:
        raise IncompatibleWeightsError(
            f"{place} has no tokenizer beside its weights; wanted: tokenizer.json, or vocab.json "
            "and merges.txt"
        )
    return Gpt2Tokenizer.of_merges(
        read_document(vocabulary), merges.read_text(encoding="utf-8", errors="replace")
    )


def _build(spec: TextModelSpec, tokens: int) -> LanguageModel:
    d_model, _, n_heads, _ = spec.architecture
    if d_model % n_heads:
        raise IncompatibleWeightsError(f"d_model {d_model} is not divisible by n_heads {n_heads}")
    kind = Transformer if spec.tokenizer == CHARACTERS else Gpt2
    return kind(spec.architecture, tokens, spec.max_seq_len)


def _tensors(files: Files) -> dict[str, Tensor]:
    """Return a model's tensors by the names of this project, in float32."""
    with text_path(files.model) as readable:
        tensors = load_file(readable)
    named = {name.removeprefix("transformer."): tensor.float() for name, tensor in tensors.items()}
    named = {name: tensor for name, tensor in named.items() if not name.endswith(_DERIVED)}
    head = named.pop("lm_head.weight") if named.keys() >= {"wte.weight", "lm_head.weight"} else None
    if head is not None and not torch.equal(named["wte.weight"], head):
        raise IncompatibleWeightsError(f"{files.model} has a head that is not its embedding")
    return named


def _fill(model: LanguageModel, tensors: dict[str, Tensor], where: Path) -> None:
    """Load tensors into a model.

    Raises:
        IncompatibleWeightsError: they are another model's, or of another number of tokens.
    """
    name = "wte.weight" if isinstance(model, Gpt2) else "lm_head.weight"
    rows, tokens = len(tensors.get(name, ())), model.lm_head.weight.shape[0]
    if name in tensors and rows != tokens:
        raise IncompatibleWeightsError(
            f"{where} is of another tokenizer: it has {rows} tokens, the tokenizer {tokens}"
        )
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise IncompatibleWeightsError(f"{where} is not such a model: {error}") from None
