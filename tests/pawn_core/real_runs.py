"""Runs on real games: tiny backbones and a file of games."""

import json
from pathlib import Path
from typing import Any

import chess_engine
import numpy as np
import torch
from safetensors.torch import save_file
from written_games import TAGS, write_pgn, written_game

from pawn_core.config import Architecture
from pawn_core.run_paths import CONFIG, MODEL
from pawn_core.weights.load import untrained
from pawn_core.weights.spec import ModelSpec, published_form

GAMES = 60
LAYOUTS = {
    "pure": ("searchless", False),
    "prefixed": ("searchless", True),
    "coordinate": ("coordinate", True),
}
"""A backbone's vocabulary, and whether its sequences begin with the outcome."""

NARROW = Architecture(d_model=16, n_layers=2, n_heads=2, d_ff=64)

REAL: dict[str, Any] = {
    "run_type": "adapter",
    "strategy": "lora",
    "lora_rank": 2,
    "max_games": 40,
    "val_games": 12,
    "batch_size": 8,
    "epochs": 3,
    "lr": 1e-2,
    "checkpoint_interval": 5,
    "log_interval": 2,
    "num_workers": 1,
    "amp_dtype": "none",
    "device": "cpu",
    "no_compile": True,
    "local_checkpoints": True,
}
"""Fifteen steps, five an epoch."""


def real_run(
    folder: Path, layout: str = "pure", architecture: Architecture = NARROW
) -> dict[str, Any]:
    """Return a config that trains in a tenth of a second; its files are in the folder."""
    games, backbone = folder / "games.pgn", folder / f"{layout}-{architecture.d_model}"
    if not games.exists():
        write_pgn(games, habitual_games())
    if not backbone.exists():
        write_backbone(backbone, layout, architecture)
    return REAL | {"pgn": str(games), "checkpoint": str(backbone)}


def write_backbone(folder: Path, layout: str, architecture: Architecture) -> None:
    """Write an untrained backbone in the published form."""
    vocabulary, prefixed = LAYOUTS[layout]
    spec = ModelSpec(architecture, vocabulary, 64, prefixed)
    model = untrained(spec)
    model.initialize(torch.Generator().manual_seed(1))
    folder.mkdir()
    save_file(model.state_dict(), folder / MODEL)
    (folder / CONFIG).write_text(json.dumps(published_form("pretrain", spec, {})), "utf-8")


def habitual_games() -> list[str]:
    """Return games of players with a habit: of three legal moves they take the lowest token."""
    rng = np.random.default_rng(1)
    games = chess_engine.BatchGames(GAMES, max_ply=60)
    for _ in range(60):
        legal = games.legal_tokens()
        counts = np.diff(legal.offsets)
        chosen = rng.integers(0, counts, (3, GAMES)).min(axis=0)
        games.apply(legal.values[legal.offsets[:-1] + chosen])
    lengths = np.minimum(games.lengths, rng.integers(20, 60, GAMES)).astype(np.int32)
    sans = chess_engine.tokens_to_san(games.tokens, lengths)
    return [written_game(san, TAGS | {"Result": "1-0"}) for san in sans]
