"""Tiny is a model of its own, which adapters are compared with."""

import chess_engine
import torch
from adapting import adapter_config

from pawn_core.adapters import Adapter, build_adapter
from pawn_core.model import Transformer


def tiny(**fields) -> Adapter:
    config = adapter_config("tiny", **fields)
    vocabulary = chess_engine.export_move_vocabulary("searchless")
    model = Transformer(config.architecture, vocabulary, config.max_seq_len, tied=True)
    return build_adapter(model, config)


def test_it_has_336_084_parameters_and_all_of_them_move() -> None:
    adapter = tiny()
    assert sum(p.numel() for p in adapter.parameters().values()) == 336_084
    assert adapter.state().keys() == adapter.model.state_dict().keys()


def test_its_weights_are_drawn_from_the_seed() -> None:
    one, same, other = (tiny(seed=seed).model.lm_head.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_shape_decides_how_many_parameters_there_are() -> None:
    config = adapter_config("tiny", d_model=40, n_layers=1, n_heads=8, d_ff=30)
    count = sum(
        p.numel() for p in tiny(d_model=40, n_layers=1, n_heads=8, d_ff=30).parameters().values()
    )
    sizes = config.architecture
    assert (
        count
        == config.adapts_by.parameters(config, sizes, 1980)
        == 1980 * 40 + 4 * 1600 + 3 * 1200 + 120
    )
