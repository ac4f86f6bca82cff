"""The model is the published one: sizes, names and arithmetic."""

import chess_engine
import numpy as np
import pytest
import torch
from reference import reference_logits

from pawn_core.config import VARIANTS, Architecture
from pawn_core.model import Transformer, parameter_count, rope
from pawn_core.model.rope import rotation_table

SEARCHLESS = chess_engine.export_move_vocabulary("searchless")
COORDINATE = chess_engine.export_move_vocabulary("coordinate")


def assert_close(found: torch.Tensor, expected: torch.Tensor, rtol=1.3e-6, atol=1e-5) -> None:
    """numpy's check: torch's own imports the compiler, which takes seconds."""
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=rtol, atol=atol)


SPECIALIZED = Architecture(d_model=84, n_layers=2, n_heads=4, d_ff=224)
"""Heads of 21 channels: one more than can be turned in pairs."""


def build(
    architecture: Architecture, vocabulary=SEARCHLESS, max_seq_len: int = 64, *, tied: bool = False
) -> Transformer:
    model = Transformer(architecture, vocabulary, max_seq_len, tied=tied)
    model.initialize(torch.Generator().manual_seed(0))
    return model


@pytest.mark.parametrize(
    ("variant", "count"),
    [("toy", 267_392), ("small", 8_936_960), ("base", 34_651_136), ("large", 66_909_440)],
)
def test_parameter_counts_are_the_published_ones(variant: str, count: int) -> None:
    assert parameter_count(Transformer(VARIANTS[variant], SEARCHLESS, 512)) == count


def test_a_tied_model_embeds_by_its_head_and_has_336_084_parameters() -> None:
    model = Transformer(SPECIALIZED, SEARCHLESS, 512, tied=True)
    assert parameter_count(model) == 336_084
    assert not any(name.startswith("embed.") for name in model.state_dict())
    tokens = torch.tensor([[317, 1969, SEARCHLESS.pad]])
    assert torch.equal(model.embedded(tokens)[0], model.lm_head.weight[tokens[0]])


def test_a_tied_matrix_learns_as_embedding_and_as_head() -> None:
    model = build(SPECIALIZED, tied=True)
    model(torch.tensor([[317, 1497]]))[0, 1, 169].backward()
    moved = model.lm_head.weight.grad.abs().sum(dim=1).nonzero().flatten()
    assert moved.tolist() == [169, 317, 1497]


def test_the_legacy_vocabulary_makes_base_35_8_million_parameters() -> None:
    model = Transformer(VARIANTS["base"], COORDINATE, 256)
    assert round(parameter_count(model) / 1e6, 1) == 35.8


def test_state_dict_names_are_the_published_ones() -> None:
    layer = {f"attn.w{w}.weight" for w in "qkvo"} | {
        f"ffn.w_{w}.weight" for w in ("gate", "up", "down")
    }
    layer |= {"attn_norm.weight", "ffn_norm.weight"}
    embed = {f"embed.{part}_embed.weight" for part in ("src", "dst", "promo", "outcome")}
    expected = {f"layers.{n}.{name}" for n in range(2) for name in layer} | embed
    expected |= {"embed.pad_embed", "final_norm.weight", "lm_head.weight"}
    assert set(build(VARIANTS["toy"]).state_dict()) == expected


def test_the_pad_vector_starts_at_zero_and_the_norms_at_one() -> None:
    state = build(VARIANTS["toy"]).state_dict()
    assert not state["embed.pad_embed"].any()
    assert (state["layers.1.attn_norm.weight"] == 1).all()
    assert state["lm_head.weight"].std().item() == pytest.approx(0.02, rel=0.02)


@pytest.mark.parametrize("vocabulary", [SEARCHLESS, COORDINATE], ids=lambda v: v.name)
def test_every_token_embeds_as_the_sum_of_its_factors(vocabulary) -> None:
    model = build(VARIANTS["toy"], vocabulary)
    with torch.no_grad():
        model.embed.pad_embed.fill_(3.0)
        embedded = model.embed(torch.arange(vocabulary.size)[None])[0]
    state = {name: p.detach() for name, p in model.embed.named_parameters()}
    promotions = {"": 0, "q": 1, "r": 2, "b": 3, "n": 4}
    for uci, token in vocabulary.move_ids.items():
        source, destination = ("abcdefgh".index(s[0]) + 8 * (int(s[1]) - 1) for s in (uci, uci[2:]))
        expected = state["src_embed.weight"][source] + state["dst_embed.weight"][destination]
        expected = expected + state["promo_embed.weight"][promotions[uci[4:]]]
        assert torch.equal(embedded[token], expected), uci
    for row, token in enumerate(vocabulary.outcomes.values()):
        assert torch.equal(embedded[token], state["outcome_embed.weight"][row])
    assert torch.equal(embedded[vocabulary.pad], state["pad_embed"])


@pytest.mark.parametrize(("d_model", "tied"), [(24, False), (21, True)])
def test_logits_equal_an_independent_float64_computation(d_model: int, tied: bool) -> None:
    model = build(Architecture(d_model, n_layers=2, n_heads=3, d_ff=40), tied=tied)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())) * 0.4)
    tokens = torch.tensor([[317, 1497, 169, 102, 1968, 1970, 1792]])
    state = {k: v.double().numpy() for k, v in model.state_dict().items()}
    embedded = model.embedded(tokens)[0].detach().double().numpy()
    expected = reference_logits(state, embedded, heads=3, layers=2)
    np.testing.assert_allclose(model(tokens)[0].detach().numpy(), expected, rtol=2e-4, atol=2e-4)


def test_logits_at_positions_are_those_of_the_full_forward() -> None:
    model = build(VARIANTS["toy"])
    tokens = torch.randint(0, SEARCHLESS.pad, (3, 17), generator=torch.Generator().manual_seed(1))
    positions = torch.tensor([0, 5, 16, 17, 50])
    chosen = model.forward_at(tokens, positions)
    assert_close(chosen, model(tokens).flatten(0, 1)[positions])


@pytest.mark.parametrize(("architecture", "tied"), [(VARIANTS["toy"], False), (SPECIALIZED, True)])
def test_logits_from_a_cache_are_those_of_the_full_forward(
    architecture: Architecture, tied: bool
) -> None:
    model = build(architecture, tied=tied)
    tokens = torch.randint(0, SEARCHLESS.pad, (3, 17), generator=torch.Generator().manual_seed(1))
    expected, cache = model(tokens), model.new_cache(batch=3)
    assert_close(model.forward_next(tokens[:, :5], cache), expected[:, 4])
    for t in range(5, 17):
        assert_close(model.forward_next(tokens[:, t : t + 1], cache), expected[:, t])


def test_a_cache_takes_one_token_at_a_time_and_no_more_than_the_model() -> None:
    model = build(VARIANTS["toy"], max_seq_len=4)
    tokens, cache = torch.zeros(1, 4, dtype=torch.int64), model.new_cache(batch=1)
    model.forward_next(tokens[:, :3], cache)
    with pytest.raises(ValueError, match="2 tokens onto 3 in the cache; allowed: 1"):
        model.forward_next(tokens[:, :2], cache)
    model.forward_next(tokens[:, :1], cache)
    with pytest.raises(ValueError, match="5 tokens are more than max_seq_len 4"):
        model.forward_next(tokens[:, :1], cache)


def test_a_later_token_never_changes_an_earlier_logit() -> None:
    model = build(VARIANTS["toy"])
    tokens = torch.randint(0, SEARCHLESS.pad, (1, 20), generator=torch.Generator().manual_seed(2))
    changed = tokens.clone()
    changed[0, 12:] = 5
    assert_close(model(tokens)[0, :12], model(changed)[0, :12])
    assert not torch.allclose(model(tokens)[0, 12], model(changed)[0, 12])


@pytest.mark.parametrize("rotate", [rope._rotate_complex, rope._rotate_real])
def test_rotation_keeps_length_and_depends_on_distance_only(rotate) -> None:
    table = rotation_table(64, 16)
    q, k = torch.randn(2, 1, 1, 1, 16, generator=torch.Generator().manual_seed(3))
    q, k = q.expand(1, 64, 1, 16), k.expand(1, 64, 1, 16)
    rotated_q, rotated_k = rotate(q, table)[0, :, 0], rotate(k, table)[0, :, 0]
    assert_close(rotated_q.norm(dim=-1), q[0, :, 0].norm(dim=-1))
    scores = rotated_q @ rotated_k.T
    for distance in (0, 1, 7, 30):
        diagonal = scores.diagonal(-distance)
        assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-4)


def test_the_last_of_an_odd_number_of_channels_stays_and_the_others_turn_as_without_it() -> None:
    x = torch.randn(2, 9, 3, 21, generator=torch.Generator().manual_seed(4))
    turned = rope.rotate(x, rotation_table(9, 21))
    assert torch.equal(turned[..., 20], x[..., 20])
    assert torch.equal(turned[..., :20], rope.rotate(x[..., :20].clone(), rotation_table(9, 20)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_compiled_and_uncompiled_runs_rotate_alike(dtype: torch.dtype) -> None:
    x = torch.randn(2, 9, 3, 8, generator=torch.Generator().manual_seed(4)).to(dtype)
    one, other = (
        turn(x, rotation_table(9, 8)) for turn in (rope._rotate_complex, rope._rotate_real)
    )
    assert one.dtype == other.dtype == dtype
    assert_close(one.float(), other.float(), atol=1e-6 if dtype is torch.float32 else 0.03)
