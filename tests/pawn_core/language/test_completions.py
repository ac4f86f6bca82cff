"""Completions are the model's own: as the full forward has them, whatever shares their batch."""

import numpy as np
import pytest
import torch
from text_models import written_by

from pawn_core.language import TextModel, TextSampling, complete, text_batch, token_log_probs

FAMILIES = ("characters", "gpt2")
PROMPTS = ("ab", "ab", "a", "abcdefghij", "ab", "b a", "abcdefghij")


def prompts_of(text_model: TextModel, *texts: str) -> list[list[int]]:
    return [text_model.tokenizer.encode(text) for text in texts]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_log_probabilities_are_those_of_the_full_forward(family: str) -> None:
    text_model = written_by(family)
    prompts = prompts_of(text_model, *PROMPTS)
    written = complete(text_model, prompts, TextSampling(24, temperature=1.5), seed=3)
    assert len(set(map(len, written.tokens))) > 1
    for prompt, tokens, found in zip(prompts, written.tokens, written.log_probs, strict=True):
        logits = text_model.model(torch.tensor([[*prompt, *tokens]]))[0, len(prompt) - 1 : -1]
        expected = logits.log_softmax(1).gather(1, torch.from_numpy(tokens)[:, None])[:, 0]
        np.testing.assert_allclose(found, expected.detach(), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_scoring_a_batch_gives_the_same_log_probabilities(family: str) -> None:
    text_model = written_by(family)
    prompts = prompts_of(text_model, *PROMPTS)
    written = complete(text_model, prompts, TextSampling(24), seed=4)
    batch = text_batch(list(zip(prompts, written.tokens, strict=True)), text_model.tokenizer.pad)
    scored = token_log_probs(text_model.model, batch).detach()
    np.testing.assert_allclose(scored, np.concatenate(written.log_probs), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_completion_is_the_same_in_any_batch(family: str) -> None:
    text_model = written_by(family)
    prompts = prompts_of(text_model, *PROMPTS)
    sampling = [TextSampling(8 + i, 0.5 + 0.25 * i) for i in range(len(prompts))]
    together = complete(text_model, prompts, sampling, seed=5)
    for i in range(len(prompts)):
        alone = complete(text_model, [prompts[i]], sampling[i], seed=5, numbers=[i])
        assert alone.tokens[0].tolist() == together.tokens[i].tolist()
        np.testing.assert_allclose(alone.log_probs[0], together.log_probs[i], atol=1e-5)
    another = complete(text_model, prompts, sampling, seed=6)
    assert another.texts != together.texts
