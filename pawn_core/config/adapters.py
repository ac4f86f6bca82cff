"""The adapter strategies: one entry each, read by the config, the CLI, the lab and the trainer."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pawn_core.config.architecture import Architecture
from pawn_core.config.errors import entry_named
from pawn_core.run_paths import ADAPTER_FILES, FILES, LORA_FILES

if TYPE_CHECKING:
    from pawn_core.config.strategies import StrategyConfig

TARGETS = {"q": "wq", "k": "wk", "v": "wv", "o": "wo"}
"""Letters of attention's matrices, and their names in the model."""

Count = Callable[["StrategyConfig", Architecture, int], int]
"""Trainable parameters in a model of some dimensions with so many tokens."""


class Strategy(NamedTuple):
    """A way to adapt a model: its name, where it lives, which fields it reads and what it takes."""

    name: str
    implementation: str
    """Import path (`module:Class`) of an `Adapter`, so that listing them never imports torch."""
    fields: frozenset[str]
    """Fields of the config that it reads, those of every strategy aside; idle without it."""
    parameters: Count
    searched: Mapping[str, Any]
    """What a sweep looks through: values of a field, or a range, as a plan of sweeps has them."""
    follows: Mapping[str, Any] = MappingProxyType({})
    """What null fields come to."""
    mergeable: bool = False
    """Whether the adapted model is one of plain weights."""
    in_place: bool = False
    """Whether what it trains is in the model already, and not added to it."""
    from_scratch: bool = False
    """Whether it trains a model of its own, on no backbone."""
    files: frozenset[str] = ADAPTER_FILES
    """What its checkpoint holds."""


def active_entries(density: float, entries: int) -> int:
    """Return how many entries of a matrix a sparse adapter moves: the share, rounded down."""
    return math.floor(Fraction(str(density)) * entries)


def matrix_shapes(targets: str, ffn: bool, sizes: Architecture) -> list[tuple[int, int]]:
    """Return the shapes (out, in) of a layer's matrices that are adapted."""
    attention = [(sizes.d_model, sizes.d_model)] * len(targets)
    gate_and_up = [(sizes.d_ff, sizes.d_model)] * 2
    return attention + ([*gate_and_up, (sizes.d_model, sizes.d_ff)] if ffn else [])


def _bottleneck(config: "StrategyConfig", sizes: Architecture, _tokens: int) -> int:
    places = (not config.no_adapt_attn) + (not config.no_adapt_ffn)
    width = config.bottleneck_dim
    each = 2 * sizes.d_model * width + config.bottleneck_n_hidden * width**2
    return len(config.layers_of(sizes.n_layers)) * places * each


def _lora(config: "StrategyConfig", sizes: Architecture, _tokens: int) -> int:
    shapes = matrix_shapes(config.lora_targets, config.lora_ffn, sizes)
    each = sum(config.lora_rank * (height + width) for height, width in shapes)
    return len(config.layers_of(sizes.n_layers)) * each


def _film(config: "StrategyConfig", sizes: Architecture, tokens: int) -> int:
    layers = len(config.layers_of(sizes.n_layers))
    return 2 * sizes.d_model * layers + (2 * tokens if config.output_film else 0)


def _sparse(config: "StrategyConfig", sizes: Architecture, _tokens: int) -> int:
    shapes = matrix_shapes(config.sparse_targets, config.sparse_ffn, sizes)
    each = sum(active_entries(config.density, height * width) for height, width in shapes)
    return len(config.layers_of(sizes.n_layers)) * each


def _hybrid(config: "StrategyConfig", sizes: Architecture, tokens: int) -> int:
    return _lora(config, sizes, tokens) + _film(config, sizes, tokens)


def _rosa(config: "StrategyConfig", sizes: Architecture, tokens: int) -> int:
    return _lora(config, sizes, tokens) + _sparse(config, sizes, tokens)


def _unfreeze(config: "StrategyConfig", sizes: Architecture, _tokens: int) -> int:
    matrices = sum(height * width for height, width in matrix_shapes("qkvo", True, sizes))
    norms = 2 * sizes.d_model
    return len(config.layers_of(sizes.n_layers)) * (matrices + norms)


def _tiny(config: "StrategyConfig", _sizes: Architecture, tokens: int) -> int:
    sizes = config.architecture
    matrices = sum(height * width for height, width in matrix_shapes("qkvo", True, sizes))
    norms = 2 * sizes.n_layers + 1
    return sizes.n_layers * matrices + sizes.d_model * (norms + tokens)


_LAYERS = frozenset({"adapter_layers"})
_LORA = frozenset({"lora_rank", "lora_alpha", "lora_targets", "lora_ffn"})
_SPARSE = frozenset({"density", "sparse_targets", "sparse_ffn"})
_FILM = frozenset({"output_film", "film_lr"})
_BOTTLENECK = frozenset({"bottleneck_dim", "bottleneck_n_hidden", "no_adapt_attn", "no_adapt_ffn"})
_ROSA = frozenset({"rosa_warmup_steps", "rosa_mask_batches", "rosa_grad_alpha"})
_TINY = frozenset({"d_model", "n_layers", "n_heads", "d_ff", "max_seq_len"})

_LR = {"lr": {"low": 1e-5, "high": 1e-2, "log": True}}
_RANKS = {"lora_rank": [2, 4, 8, 16, 32], "lora_targets": ["qv", "qkv", "qkvo"]}
_DENSITIES = {"density": {"low": 1e-3, "high": 0.3, "log": True}, "sparse_ffn": [False, True]}
_FILM_LR = {"film_lr": {"low": 1e-4, "high": 1e-2, "log": True}, "output_film": [False, True]}

ADAPTERS: tuple[Strategy, ...] = (
    Strategy(
        "bottleneck",
        "pawn_core.adapters.bottleneck:Bottleneck",
        _LAYERS | _BOTTLENECK,
        _bottleneck,
        _LR | {"bottleneck_dim": [4, 8, 16, 32, 64, 128], "bottleneck_n_hidden": [0, 1]},
    ),
    Strategy(
        "lora",
        "pawn_core.adapters.lora:Lora",
        _LAYERS | _LORA,
        _lora,
        _LR | _RANKS | {"lora_ffn": [False, True]},
        mergeable=True,
        files=LORA_FILES,
    ),
    Strategy(
        "film",
        "pawn_core.adapters.film:Film",
        _LAYERS | _FILM,
        _film,
        _LR | {"output_film": [False, True]},
        {"output_film": True},
    ),
    Strategy(
        "sparse",
        "pawn_core.adapters.sparse:Sparse",
        _LAYERS | _SPARSE,
        _sparse,
        _LR | _DENSITIES | {"sparse_targets": ["qv", "qkv", "qkvo"]},
        mergeable=True,
    ),
    Strategy(
        "hybrid",
        "pawn_core.adapters.hybrid:Hybrid",
        _LAYERS | _LORA | _FILM,
        _hybrid,
        _LR | _RANKS | _FILM_LR,
        {"output_film": False},
    ),
    Strategy(
        "rosa",
        "pawn_core.adapters.rosa:Rosa",
        _LAYERS | _LORA | _SPARSE | _ROSA,
        _rosa,
        _LR | {"lora_rank": [2, 4, 8, 16], "rosa_warmup_steps": [64, 128, 256]} | _DENSITIES,
        mergeable=True,
    ),
    Strategy(
        "unfreeze",
        "pawn_core.adapters.unfreeze:Unfreeze",
        _LAYERS,
        _unfreeze,
        {"lr": {"low": 1e-6, "high": 1e-3, "log": True}, "adapter_layers": ["top-1", "top-2"]},
        {"adapter_layers": "top-1"},
        mergeable=True,
        in_place=True,
    ),
    Strategy(
        "tiny",
        "pawn_core.adapters.tiny:Tiny",
        _TINY,
        _tiny,
        _LR | {"d_model": [40, 84, 128], "n_layers": [1, 2, 4]},
        from_scratch=True,
        files=frozenset(FILES),
    ),
)

ADAPTER_NAMES = tuple(strategy.name for strategy in ADAPTERS)


def adapter_named(name: object) -> Strategy:
    """Return the strategy of that name.

    Raises:
        ConfigError: no such strategy; lists those there are.
    """
    return entry_named("strategy", name, ADAPTERS)
