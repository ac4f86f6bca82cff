"""Models with an adapter in them, for tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import chess_engine
import numpy as np
import torch
from safetensors.torch import save_file

from pawn_core.adapters import Adapter, build_adapter
from pawn_core.checkpoint import store
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import VARIANTS, AdapterConfig, parse_config
from pawn_core.config.adapters import adapter_named
from pawn_core.model import Transformer
from pawn_core.run_paths import ADAPTER, BACKBONE, OPTIMIZER
from pawn_core.weights.backbone import Backbone
from pawn_core.weights.subject import load_subject

LENGTH = 24


def assert_close(found: torch.Tensor, expected: torch.Tensor, atol=1e-5, rtol=1e-5) -> None:
    """numpy's check: torch's own imports the compiler, which takes seconds."""
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=rtol, atol=atol)


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


def save(
    checkpoints: Path, adapter: Adapter, backbone: Backbone, step: int = 12, **state: Any
) -> Path:
    """Write a checkpoint of a run that trains an adapter, and return its folder."""
    moments = {name: torch.zeros_like(p) for name, p in adapter.parameters().items()}
    return store.save(
        checkpoints,
        Checkpoint(
            step,
            {ADAPTER: adapter.state(), OPTIMIZER: moments},
            {"step": step} | state,
            adapter.config.model_dump(mode="json"),
            documents={BACKBONE: backbone.document(), **adapter.documents()},
        ),
    )


def write_backbone(folder: Path, **config) -> Path:
    """Write a toy's weights into a folder, as a published model has them."""
    folder.mkdir(parents=True)
    save_file(backbone().state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"n_heads": 4, "max_seq_len": 24} | config))
    return folder


def adapt(
    source: Path | str,
    run_dir: Path,
    strategy: str = "lora",
    state: Mapping[str, Any] | None = None,
    **fields,
):
    """Return a trained adapter on a source of weights, and its checkpoint in a run's folder."""
    subject = load_subject(str(source), run_dir, torch.device("cpu"))
    config = adapter_config(strategy, checkpoint=str(source), **fields)
    adapter = perturb(last_phase(build_adapter(subject.pretrained.model, config)))
    return adapter, save(run_dir / "checkpoints", adapter, subject.as_backbone(), **state or {})


def adapted_trial(folder: Path, trials: Path, strategy: str) -> Adapter:
    """Write a backbone, and an adapter of it as trial 3."""
    folder.mkdir()
    save_file(backbone().state_dict(), folder / "model.safetensors")
    config = {"n_heads": 4, "max_seq_len": 24, "prepend_outcome": True}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    run_dir = trials / "3" / "run"
    subject = load_subject(str(folder), run_dir, torch.device("cpu"))
    adapter = perturb(
        build_adapter(subject.pretrained.model, adapter_config(strategy, checkpoint=str(folder)))
    )
    save(run_dir / "checkpoints", adapter, subject.as_backbone())
    return adapter
