"""GPT-2 is the published one: its size, its logits, and the same on packed rows."""

import numpy as np
import pytest
import torch
from text_models import CONTEXT, SIZES, written_by

from pawn_core.attention.masks import dense_mask
from pawn_core.config import Architecture
from pawn_core.model import Gpt2, parameter_count
from pawn_core.model.attention import Packed

PUBLISHED = Architecture(d_model=768, n_layers=12, n_heads=12, d_ff=3072)


def test_the_published_size_has_its_number_of_parameters() -> None:
    assert parameter_count(Gpt2(PUBLISHED, tokens=50_257, max_seq_len=1024)) == 124_439_808


def test_texts_packed_in_a_row_do_not_see_each_other() -> None:
    model = written_by("gpt2").model
    first, second = torch.tensor([[5, 6, 7]]), torch.tensor([[9, 8]])
    games = torch.tensor([[0, 0, 0, 1, 1]])
    packed = Packed(torch.tensor([[0, 1, 2, 0, 1]]), dense_mask(games))
    found = model.forward_at(torch.cat((first, second), dim=1), None, packed)
    torch.testing.assert_close(found, torch.cat((model(first)[0], model(second)[0])))


def test_no_token_sees_those_after_it() -> None:
    model = written_by("gpt2").model
    tokens = torch.tensor([[5, 6, 7, 8]])
    torch.testing.assert_close(model(tokens)[:, :2], model(tokens[:, :2]))


def oracle(model: Gpt2):
    """Return transformers' model with the same weights."""
    pytest.importorskip("transformers", reason="make faults installs it")
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=model.lm_head.weight.shape[0],
        n_positions=model.max_seq_len,
        n_embd=model.lm_head.weight.shape[1],
        n_layer=len(model.h),
        n_head=model.n_heads,
        n_inner=SIZES.d_ff if model.max_seq_len == CONTEXT else None,
    )
    theirs = GPT2LMHeadModel(config).eval()
    missing, unexpected = theirs.transformer.load_state_dict(model.state_dict(), strict=False)
    assert (missing, unexpected) == ([], [])
    theirs.tie_weights()
    return theirs


@pytest.mark.slow
def test_logits_equal_those_of_transformers_at_the_published_size() -> None:
    model = Gpt2(PUBLISHED, tokens=50_257, max_seq_len=1024)
    model.initialize(torch.Generator().manual_seed(0))
    tokens = torch.randint(50_257, (2, 64), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = oracle(model)(tokens).logits
        torch.testing.assert_close(model(tokens), expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_completions_equal_those_of_transformers_with_padding_on_the_left() -> None:
    from pawn_core.language import TextSampling, complete

    text_model = written_by("gpt2")
    prompts = [text_model.tokenizer.encode(text) for text in ("the bed", "a", "a dad fed a bee")]
    end, longest = text_model.tokenizer.end, max(map(len, prompts))
    padded = torch.tensor([[end] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    expected = oracle(text_model.model).generate(
        padded,
        attention_mask=mask,
        max_new_tokens=12,
        do_sample=False,
        pad_token_id=end,
        eos_token_id=end,
    )[:, longest:]
    written = complete(text_model, prompts, TextSampling(12, temperature=0.0))
    for found, theirs in zip(written.tokens, expected.numpy(), strict=True):
        np.testing.assert_array_equal(found, theirs[: len(found)])
