"""What model a set of tensors belongs to: from the config beside them, or from their shapes.

Two forms of `config.json` are read: the resolved run config of this project's checkpoints, and the
published `{"model_config": {"d_model": .., "vocab_size": ..}, "training_config": {..}}`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import chess_engine
from chess_engine import Vocabulary

from pawn_core.checkpoint.errors import IncompatibleWeightsError
from pawn_core.checkpoint.manifest import read_document
from pawn_core.config import RUN_TYPES, VARIANTS, Architecture, RunConfig
from pawn_core.model.rope import BASE
from pawn_core.real_games.selection import at_commit
from pawn_core.run_paths import STATE

FORMAT_VERSION = 1
"""Of the published form."""

Shapes = Mapping[str, tuple[int, ...]]

_PARTS = ("training_config", "model_config")
_VOCABULARIES = ("searchless", "coordinate")
_DEFAULT_MAX_SEQ_LEN = {"searchless": 512, "coordinate": 256}


@dataclass(frozen=True)
class ModelSpec:
    """Everything that is needed to build the model and to feed it."""

    architecture: Architecture
    vocabulary: str
    max_seq_len: int
    prepend_outcome: bool
    """Whether its sequences start with the game's outcome."""
    tied: bool = False
    """Whether it embeds tokens by the rows of its head, and has no tensors for it."""

    @property
    def max_ply(self) -> int:
        """Plies of a game that its context holds."""
        return self.max_seq_len - self.prepend_outcome

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self) | {"architecture": self.architecture._asdict()}


def read_spec(shapes: Shapes, config: Mapping[str, Any] | None) -> ModelSpec:
    """Return the model that both the tensors and the config agree on.

    Raises:
        IncompatibleWeightsError: a tensor is missing, config and tensors disagree, or the model is
            not of this family (another vocabulary, another rotary base).
    """
    vocabulary = _vocabulary(_shape(shapes, "lm_head.weight")[0])
    facts = training_facts(config or {})
    _check_family(facts)
    architecture = _architecture(shapes, facts)
    for name, size in architecture._asdict().items():
        _check_equal(name, facts.get(name), size)
    _check_equal("vocab_size", facts.get("vocab_size"), vocabulary.size)
    prefixed = facts.get("prepend_outcome")
    return ModelSpec(
        architecture,
        vocabulary.name,
        int(facts.get("max_seq_len") or _DEFAULT_MAX_SEQ_LEN[vocabulary.name]),
        vocabulary.name == "coordinate" if prefixed is None else bool(prefixed),
        tied=not any(name.startswith("embed.") for name in shapes),
    )


def check_moves(where: Path, config: Mapping[str, Any]) -> None:
    """Refuse weights whose config is of a run type that speaks something else than moves.

    Raises:
        IncompatibleWeightsError: says what its models speak.
    """
    name = config.get("run_type")
    kind = next((run_type.config for run_type in RUN_TYPES if run_type.name == name), None)
    if kind is not None and kind.speaks != RunConfig.speaks:
        raise IncompatibleWeightsError(
            f"{where} is of run_type '{name}', whose models speak {kind.speaks}: they neither play "
            "nor are they published in the form of models of moves; runs of run_type "
            f"{', '.join(t.name for t in RUN_TYPES if t.config.speaks == kind.speaks)} start from "
            "such a checkpoint, which is all there is to share"
        )


def published_form(
    checkpoint_type: str, spec: ModelSpec, training_config: Mapping[str, Any]
) -> dict[str, Any]:
    """Return `config.json` in the published form."""
    vocabulary = chess_engine.export_move_vocabulary(spec.vocabulary)
    return {
        "format_version": FORMAT_VERSION,
        "checkpoint_type": checkpoint_type,
        "model_config": {
            **spec.architecture._asdict(),
            "vocab_size": vocabulary.size,
            "max_seq_len": spec.max_seq_len,
            "n_outcomes": len(vocabulary.outcomes),
            "dropout": 0.0,
            "rope_base": BASE,
        },
        "training_config": dict(training_config) | {"prepend_outcome": spec.prepend_outcome},
    }


def training_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return either form of config as one flat mapping."""
    parts = (config, *(config.get(name) or {} for name in _PARTS))
    flat = {name: value for part in parts for name, value in dict(part).items()}
    return {name: value for name, value in flat.items() if name not in _PARTS}


def as_trained(config: Mapping[str, Any], checkpoint: Path) -> dict[str, Any]:
    """Return a config with its data sets at the commits that a checkpoint has learned from."""
    state = checkpoint / STATE
    data = read_document(state).get("data") if state.is_file() else None
    revisions = data.get("revisions") if isinstance(data, dict) else None
    sources = zip(("pgn", "val_pgn"), revisions or (), strict=False)
    return {**config} | {
        name: at_commit(config[name], revision) for name, revision in sources if config.get(name)
    }


def _check_family(facts: Mapping[str, Any]) -> None:
    base = facts.get("rope_base", BASE)
    if base != BASE:
        raise IncompatibleWeightsError(f"rope_base {base} is not supported; allowed: {BASE:g}")


def _vocabulary(size: int) -> Vocabulary:
    vocabularies = [chess_engine.export_move_vocabulary(name) for name in _VOCABULARIES]
    for vocabulary in vocabularies:
        if vocabulary.size == size:
            return vocabulary
    allowed = ", ".join(f"{v.size} ({v.name})" for v in vocabularies)
    raise IncompatibleWeightsError(
        f"lm_head.weight has {size} tokens, no vocabulary of this engine; allowed: {allowed}"
    )


def _architecture(shapes: Shapes, facts: Mapping[str, Any]) -> Architecture:
    d_model = _shape(shapes, "lm_head.weight")[1]
    numbers = {int(name.split(".")[1]) for name in shapes if name.startswith("layers.")}
    n_layers = len(numbers)
    if numbers != set(range(n_layers)) or not n_layers:
        raise IncompatibleWeightsError(f"layers {sorted(numbers)} are not numbered 0, 1, ..")
    d_ff = _shape(shapes, "layers.0.ffn.w_gate.weight")[0]
    n_heads = facts.get("n_heads") or _heads_of_variant(d_model, n_layers, d_ff)
    return Architecture(d_model, n_layers, int(n_heads), d_ff)


def _heads_of_variant(d_model: int, n_layers: int, d_ff: int) -> int:
    """No tensor tells the number of heads: only a named variant can do without a config."""
    for variant in VARIANTS.values():
        if (variant.d_model, variant.n_layers, variant.d_ff) == (d_model, n_layers, d_ff):
            return variant.n_heads
    raise IncompatibleWeightsError(
        f"weights of width {d_model}, {n_layers} layers and feed-forward width {d_ff} are no named "
        "variant, and tensors do not tell n_heads: put a config.json with n_heads beside them"
    )


def _shape(shapes: Shapes, name: str) -> tuple[int, int]:
    shape = shapes.get(name)
    if shape is None or len(shape) != 2:
        raise IncompatibleWeightsError(f"the weights have no matrix {name!r}")
    return shape[0], shape[1]


def _check_equal(name: str, configured: object, actual: int) -> None:
    if configured is not None and configured != actual:
        raise IncompatibleWeightsError(
            f"config.json says {name} {configured!r}, but the tensors say {actual}"
        )
