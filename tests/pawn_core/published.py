"""Published weights, made here from their file formats."""

from typing import Any

import chess_engine
import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]


def published_tensors(d: int, layers: int, d_ff: int, vocabulary: str) -> Tensors:
    """Return random weights under the published names."""
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    shapes: dict[str, tuple[int, ...]] = {
        "embed.src_embed.weight": (64, d),
        "embed.dst_embed.weight": (64, d),
        "embed.promo_embed.weight": (5, d),
        "embed.outcome_embed.weight": (len(tokens.outcomes), d),
        "embed.pad_embed": (d,),
        "final_norm.weight": (d,),
        "lm_head.weight": (tokens.size, d),
    }
    for n in range(layers):
        shapes |= {f"layers.{n}.attn.w{w}.weight": (d, d) for w in "qkvo"}
        shapes |= {f"layers.{n}.ffn.w_{w}.weight": (d_ff, d) for w in ("gate", "up")}
        shapes |= {f"layers.{n}.ffn.w_down.weight": (d, d_ff)}
        shapes |= {f"layers.{n}.{norm}_norm.weight": (d,) for norm in ("attn", "ffn")}
    generator = np.random.default_rng(7)
    return {k: generator.normal(0, 0.4, s).astype(np.float32) for k, s in shapes.items()}


def published_config(d: int, layers: int, heads: int, d_ff: int, vocabulary: str) -> dict[str, Any]:
    """Return `config.json` as published repositories have it."""
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    sizes = {"d_model": d, "n_layers": layers, "n_heads": heads, "d_ff": d_ff}
    return {
        "format_version": 1,
        "checkpoint_type": "pretrain",
        "model_config": {
            **sizes,
            "vocab_size": tokens.size,
            "max_seq_len": 32,
            "n_outcomes": len(tokens.outcomes),
            "dropout": 0.0,
            "rope_base": 10000.0,
        },
        "training_config": {"lr": 3e-4, "prepend_outcome": vocabulary == "coordinate"},
    }
