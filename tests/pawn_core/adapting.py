"""Models with an adapter in them, for tests."""

from pathlib import Path
from typing import Any

import chess_engine
import torch

from pawn_core.adapters import Adapter, build_adapter
from pawn_core.checkpoint import store
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import VARIANTS, AdapterConfig, parse_config
from pawn_core.config.adapters import adapter_named
from pawn_core.model import Transformer
from pawn_core.run_paths import ADAPTER, BACKBONE, OPTIMIZER
from pawn_core.weights.backbone import Backbone

LENGTH = 24


def adapter_config(strategy: str, **fields: Any) -> AdapterConfig:
    """Return a config of a strategy, with a backbone where it takes one."""
    common = {"run_type": "adapter", "pgn": "games.pgn", "local_checkpoints": True}
    backbone = {} if adapter_named(strategy).from_scratch else {"checkpoint": "owner/backbone"}
    config = parse_config(common | backbone | {"strategy": strategy} | fields)
    assert isinstance(config, AdapterConfig)
    return config


def backbone(variant: str = "toy", vocabulary: str = "searchless") -> Transformer:
    """Return an initialized model, the same each time."""
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    model = Transformer(VARIANTS[variant], tokens, LENGTH)
    model.initialize(torch.Generator().manual_seed(1))
    return model


def adapted(strategy: str, **fields: Any) -> Adapter:
    """Return a strategy's adapter, as it starts, in a toy."""
    return build_adapter(backbone(), adapter_config(strategy, **fields))


def last_phase(adapter: Adapter) -> Adapter:
    """Take an adapter that has phases to its last, by gradients drawn at random."""
    generator = torch.Generator().manual_seed(6)
    adapter.advance(
        adapter.config.total_steps,
        lambda matrices, _: iter([[torch.rand(m.shape, generator=generator) for m in matrices]]),
    )
    return adapter


def perturb(adapter: Adapter, seed: int = 5) -> Adapter:
    """Move every trained parameter at random."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in adapter.parameters().values():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return adapter


def tokens(batch: int = 2, seed: int = 3) -> torch.Tensor:
    """Return moves of the searchless vocabulary (batch, LENGTH), of no game."""
    return torch.randint(0, 1968, (batch, LENGTH), generator=torch.Generator().manual_seed(seed))


def save(checkpoints: Path, adapter: Adapter, backbone: Backbone, step: int = 12) -> Path:
    """Write a checkpoint of a run that trains an adapter, and return its folder."""
    moments = {name: torch.zeros_like(p) for name, p in adapter.parameters().items()}
    return store.save(
        checkpoints,
        Checkpoint(
            step,
            {ADAPTER: adapter.state(), OPTIMIZER: moments},
            {"step": step},
            adapter.config.model_dump(mode="json"),
            documents={BACKBONE: backbone.document(), **adapter.documents()},
        ),
    )
