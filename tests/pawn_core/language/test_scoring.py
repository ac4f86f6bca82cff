"""A batch is scored as the full forward scores each of its texts, and its gradient reaches them."""

from collections import Counter

import numpy as np
import pytest
import torch
from text_models import CONTEXT, written_by

from pawn_core.language import hidden_states, text_batch, token_log_probs, token_logits

ROWS = {
    "a prompt each": [([5, 6, 7], [8, 9, 1]), ([9], [4, 1]), ([2] * 9, [3] * 7)],
    "shared prompts": [
        *[([5, 6, 7], [8, 9, 1]), ([5, 6, 7], [8] * 19), ([5, 6], [7]), ([5, 6, 7], [1])],
        *[([2] * 20, [4] * 20), ([2] * 20, [4, 1]), ([5, 6, 7], [8, 9, 1])],
    ],
    "one prompt, one token each": [([2] * 9, [3]), ([2] * 9, [4])],
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("family", ["characters", "gpt2"])
def test_logits_and_gradients_are_those_of_each_text_alone(family: str, rows: str) -> None:
    text_model = written_by(family)
    model, batch = text_model.model, text_batch(ROWS[rows], text_model.tokenizer.pad)
    expected = [
        model(torch.tensor([[*prompt, *completion]]))[0, len(prompt) - 1 : -1]
        for prompt, completion in ROWS[rows]
    ]
    logits_nv, expected_nv = token_logits(model, batch), torch.cat(expected)
    torch.testing.assert_close(logits_nv, expected_nv)
    weight_nv = torch.randn(logits_nv.shape, generator=torch.Generator().manual_seed(len(rows)))
    gradients, alone = (
        torch.autograd.grad((x_nv * weight_nv).sum(), list(model.parameters()))
        for x_nv in (logits_nv, expected_nv)
    )
    torch.testing.assert_close(gradients, alone, atol=1e-3, rtol=1e-3)
    padded = model.hidden_at(batch.tokens_bt, batch.positions_n)  # as on a GPU
    torch.testing.assert_close(hidden_states(model, batch), padded)


def test_a_prompt_that_several_texts_go_on_from_is_computed_once(monkeypatch) -> None:
    model = written_by("characters").model
    seen, original = [], model.forward_hidden

    def watched(tokens_1t, packed):
        seen.append(tokens_1t.tolist())
        return original(tokens_1t, packed)

    monkeypatch.setattr(model, "forward_hidden", watched)
    hidden_states(model, text_batch([([5, 6], [8, 9, 1]), ([5, 6], [7, 1]), ([4], [1])], pad=0))
    assert seen == [[[5, 6, 4, 8, 9, 7]]]


def test_products_of_texts_of_any_lengths_have_few_sizes() -> None:
    text_model, seed = written_by("characters"), 3
    sizes, rng = Counter(), np.random.default_rng(seed)
    products = [m for m in text_model.model.modules() if isinstance(m, torch.nn.Linear)]
    for product in products:
        product.register_forward_hook(lambda *call: sizes.update([call[1][0].shape]))
    asked = set()
    for _ in range(100):
        lengths = rng.integers(1, 16, size=(32, 2)).tolist()
        batch = text_batch([([2] * p, [3] * c) for p, c in lengths], text_model.tokenizer.pad)
        asked.add(len(batch.targets_n))
        token_log_probs(text_model.model, batch)
    assert len(asked) > 50, f"seed {seed}"
    assert len(sizes) < len(asked), f"seed {seed}: {sizes}"


@pytest.mark.parametrize("family", ["characters", "gpt2"])
def test_the_end_token_has_a_gradient_where_it_is_also_the_padding(family: str) -> None:
    text_model = written_by(family)
    tokenizer, head = text_model.tokenizer, text_model.model.lm_head
    prompt = tokenizer.encode("ab")
    ended = text_batch([(prompt, [*tokenizer.encode("c"), tokenizer.end])], tokenizer.pad)
    token_log_probs(text_model.model, ended)[-1].backward()
    # The end is never read here, so its row of the tied head moves by its probability alone.
    hidden_d = hidden_states(text_model.model, ended)[-1]
    p = token_logits(text_model.model, ended)[-1].softmax(0)[tokenizer.end]
    torch.testing.assert_close(head.weight.grad[tokenizer.end], (1 - p) * hidden_d)


def test_a_text_longer_than_the_context_is_refused() -> None:
    text_model = written_by("characters")
    batch = text_batch([([2] * CONTEXT, [3, 1])], pad=0)
    with pytest.raises(ValueError, match=f"a row of {CONTEXT + 1} tokens is longer than the con"):
        token_log_probs(text_model.model, batch)
