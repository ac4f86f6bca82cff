"""LoRA is W + alpha / r B A on each matrix, and peft reads its files."""

import pytest
import torch
from adapting import adapted, assert_close, backbone, perturb, save, tokens
from torch.nn import functional as F

from pawn_core.weights.backbone import Backbone

ATTENTION = ("attn.wq", "attn.wk", "attn.wv", "attn.wo")
FEED_FORWARD = ("ffn.w_gate", "ffn.w_up", "ffn.w_down")
ORIGIN = Backbone("owner/name", "/gone/model.safetensors", "0" * 64, None, None, {})


def dense(adapter):
    """Return a plain model whose matrices are W + alpha / r B A, computed here."""
    state, plain = adapter.model.state_dict(), backbone()
    scale = adapter.config.lora_alpha / adapter.config.lora_rank
    for name, weight in plain.named_parameters():
        low = name.removesuffix(".weight") + ".lora_{}.weight"
        if low.format("A") in state:
            down, up = (state[low.format(letter)].double() for letter in "AB")
            weight.data = (weight.double() + scale * (up @ down)).float()
    return plain


@pytest.mark.parametrize("target", "qkvo")
def test_a_random_update_of_each_square_matrix_is_not_transposed(target) -> None:
    adapter = perturb(adapted("lora", lora_targets=target, lora_rank=2, lora_alpha=3))
    expected = dense(adapter)(tokens())
    assert_close(adapter.model(tokens()), expected)
    assert_close(adapter.merge()(tokens()), expected)
    assert not torch.allclose(expected, backbone()(tokens()), atol=1e-3)


def test_it_adapts_the_matrices_that_are_named_and_no_other() -> None:
    names = {name.rpartition(".lora_")[0] for name in adapted("lora").parameters()}
    assert names == {f"layers.{n}.{matrix}" for n in (0, 1) for matrix in ATTENTION}
    wide = {n.rpartition(".lora_")[0] for n in adapted("lora", lora_ffn=True).parameters()}
    assert wide - names == {f"layers.{n}.{matrix}" for n in (0, 1) for matrix in FEED_FORWARD}


def test_its_gradients_are_those_of_the_dense_matrix_put_through_the_product() -> None:
    adapter = perturb(adapted("lora", lora_alpha=2))
    plain = dense(adapter)
    for model in (adapter.model, plain):
        F.cross_entropy(model(tokens()).flatten(0, 1), tokens(seed=4).flatten()).backward()
    grad_w = plain.layers[1].attn.wv.weight.grad
    linear = adapter.model.layers[1].attn.wv
    expected_b = 0.5 * grad_w @ linear.lora_A.weight.T
    expected_a = 0.5 * linear.lora_B.weight.T @ grad_w
    assert_close(linear.lora_B.weight.grad, expected_b, atol=1e-6, rtol=1e-3)
    assert_close(linear.lora_A.weight.grad, expected_a, atol=1e-6, rtol=1e-3)


def test_a_merge_in_bfloat16_is_as_near_as_the_type_allows() -> None:
    adapter = perturb(adapted("lora"))
    adapter.model.to(torch.bfloat16)
    linear, merged = adapter.model.layers[0].attn.wq, adapter.merge().layers[0].attn.wq
    exact = linear.weight.double() + linear.update()
    assert (merged.weight.double() - exact).abs().max() <= exact.abs().max() * 2**-8


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"lora_targets": "qv", "lora_rank": 2, "lora_alpha": 5},
        {"lora_ffn": True, "adapter_layers": "top-1"},
    ],
    ids=str,
)
def test_peft_reads_the_checkpoint_and_computes_the_same(tmp_path, fields) -> None:
    from peft import PeftModel  # make faults installs it

    adapter = perturb(adapted("lora", **fields))
    folder = save(tmp_path, adapter, ORIGIN)
    theirs = PeftModel.from_pretrained(backbone(), folder)
    assert_close(theirs(tokens()), adapter.model(tokens()))
    merged = theirs.merge_and_unload()
    assert_close(merged(tokens()), adapter.merge()(tokens()))
