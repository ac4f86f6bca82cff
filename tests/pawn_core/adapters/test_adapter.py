"""What holds for every adapter on a backbone, whatever its strategy."""

import chess_engine
import pytest
import torch
from adapting import adapted, adapter_config, assert_close, backbone, last_phase, perturb, tokens
from torch import nn
from torch.nn import functional as F

from pawn_core.adapters import build_adapter
from pawn_core.config import VARIANTS
from pawn_core.config.adapters import ADAPTERS, Strategy, adapter_named
from pawn_core.model import Transformer
from pawn_core.training.rules import AdamW

ON_BACKBONES = tuple(s for s in ADAPTERS if not s.from_scratch)
FIELDS = {"output_film": True, "lora_ffn": True, "sparse_ffn": True, "bottleneck_n_hidden": 1}
"""What makes each strategy adapt all that it can."""


@pytest.fixture(params=ON_BACKBONES, ids=lambda strategy: strategy.name)
def strategy(request) -> Strategy:
    return request.param


def adapted_all(strategy: Strategy):
    """Return the adapter with all that it can adapt, as it starts: in the last of its phases."""
    fields = {n: v for n, v in FIELDS.items() if n in strategy.fields}
    return last_phase(adapted(strategy.name, **fields))


def test_it_changes_nothing_at_the_start_bit_for_bit(strategy) -> None:
    before, model = backbone(), adapted_all(strategy).model
    assert torch.equal(model(tokens()), before(tokens()))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(model(tokens()), before(tokens()))
    weight_vd, bias_v = model.lm_head.parts().folded()
    hidden_btd = model.forward_hidden(tokens())
    assert torch.equal(F.linear(hidden_btd, weight_vd, bias_v), before(tokens()))


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
@pytest.mark.parametrize(
    "variant",
    ["toy", "small", *(pytest.param(name, marks=pytest.mark.slow) for name in ("base", "large"))],
)
def test_its_parameters_are_as_many_as_the_config_says_without_torch(
    strategy, variant, vocabulary, monkeypatch
) -> None:
    for kind in (nn.Linear, nn.Embedding):  # shapes alone are looked at
        monkeypatch.setattr(kind, "reset_parameters", lambda _: None)
    tokens = chess_engine.export_move_vocabulary(vocabulary)
    for fields in ({}, {n: v for n, v in FIELDS.items() if n in strategy.fields}):
        config = adapter_config(strategy.name, **fields)
        adapter = last_phase(build_adapter(Transformer(VARIANTS[variant], tokens, 8), config))
        count = sum(parameter.numel() for parameter in adapter.parameters().values())
        assert count == strategy.parameters(config, VARIANTS[variant], tokens.size)


@pytest.mark.parametrize(
    ("name", "fields", "count"),
    [
        ("bottleneck", {"bottleneck_dim": 8}, 131_072),
        ("lora", {"lora_rank": 4}, 131_072),
        ("lora", {"lora_targets": "qv"}, 65_536),
        ("film", {"output_film": False}, 8_192),
        ("film", {}, 8_192 + 3_960),
        ("sparse", {"density": 0.01}, 83_872),
        ("hybrid", {}, 139_264),
        ("rosa", {}, 131_072 + 83_872),
        ("unfreeze", {}, 4_195_328),
        ("unfreeze", {"adapter_layers": "top-2"}, 2 * 4_195_328),
        ("tiny", {}, 336_084),
    ],
)
def test_base_has_the_published_counts(name, fields, count) -> None:
    config = adapter_config(name, **fields)
    assert adapter_named(name).parameters(config, VARIANTS["base"], 1980) == count


def test_exactly_the_named_parameters_move(strategy) -> None:
    adapter = perturb(adapted_all(strategy))
    names = set(adapter.parameters())
    before = {n: t.clone() for n, t in adapter.model.state_dict().items()}
    F.cross_entropy(adapter.model(tokens()).flatten(0, 1), tokens(seed=4).flatten()).backward()
    moved = {n: p for n, p in adapter.model.named_parameters() if p.grad is not None}
    with torch.no_grad():
        AdamW(moved, weight_decay=0.1).update(lr=0.1)
    after = adapter.model.state_dict()
    assert {name for name in after if not torch.equal(after[name], before[name])} == names


def test_what_it_freezes_is_the_backbone_bit_for_bit(strategy) -> None:
    adapter, before = perturb(adapted_all(strategy)), backbone().state_dict()
    after = {n: t for n, t in adapter.model.state_dict().items() if n not in adapter.parameters()}
    assert all(torch.equal(after[name], before[name]) for name in before.keys() & after.keys())


def test_a_trained_one_is_what_its_state_makes_of_a_new_one(strategy) -> None:
    trained, new = perturb(adapted_all(strategy)), adapted_all(strategy)
    new.load({name: tensor.clone() for name, tensor in trained.state().items()})
    logits = trained.model(tokens())
    assert torch.equal(new.model(tokens()), logits)
    assert not torch.allclose(backbone()(tokens()), logits, atol=1e-3)


def test_a_state_that_is_not_its_own_is_refused_by_name(strategy) -> None:
    adapter = adapted_all(strategy)
    name, tensor = next(iter(adapter.state().items()))
    own = adapter.state()
    with pytest.raises(ValueError, match=f"lacks '{name}'"):
        adapter.load({n: t for n, t in own.items() if n != name})
    with pytest.raises(ValueError, match=r"unexpected '_orig_mod\.x'"):
        adapter.load(own | {"_orig_mod.x": tensor})
    with pytest.raises(ValueError, match="has shape"):
        adapter.load(own | {name: tensor[1:]})


def test_the_same_seed_draws_the_same(strategy) -> None:
    first, same = (adapted(strategy.name, seed=1).state() for _ in range(2))
    assert all(torch.equal(first[name], same[name]) for name in first)


def test_it_adapts_the_layers_that_are_named_and_no_other(strategy) -> None:
    for layers, own in (("top-1", "layers.1."), ("bottom-1", "layers.0."), (1, "layers.1.")):
        names = adapted(strategy.name, adapter_layers=layers, lora_targets="q").parameters()
        assert {name.startswith((own, "lm_head.")) for name in names} == {True}
    with pytest.raises(ValueError, match="has 2 layers, 0 to 1"):
        adapted(strategy.name, adapter_layers="0,2")


def test_norms_are_by_kind_of_parameter(strategy) -> None:
    adapter = perturb(adapted_all(strategy))
    squares = sum(float(p.detach().square().sum()) for p in adapter.parameters().values())
    assert sum(norm**2 for norm in adapter.norms().values()) == pytest.approx(squares, rel=1e-5)
    assert all(name.startswith("norm_") for name in adapter.norms())


def test_a_merged_model_computes_the_same_and_leaves_the_adapted_one_alone(strategy) -> None:
    adapter = perturb(adapted_all(strategy))
    before = {n: t.clone() for n, t in adapter.model.state_dict().items()}
    if not strategy.mergeable:
        with pytest.raises(ValueError, match=f"strategy '{strategy.name}' cannot be merged"):
            adapter.merge()
        return
    merged = adapter.merge()
    assert merged.state_dict().keys() == backbone().state_dict().keys()
    assert_close(merged(tokens()), adapter.model(tokens()))
    with torch.no_grad():
        for parameter in merged.parameters():
            parameter.zero_()
    after = adapter.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_what_is_frozen_below_the_first_adapted_layer_keeps_nothing_for_the_backward_pass(
    strategy,
) -> None:
    adapter = adapted(strategy.name, adapter_layers="top-1")
    seen: dict[int, bool] = {}
    for index, layer in enumerate(adapter.model.layers):
        layer.register_forward_hook(
            lambda _m, _i, out, i=index: seen.update({i: out.requires_grad})
        )
    adapter.model(tokens())
    assert seen == {0: False, 1: True}
