"""Completions are the model's own: as the full forward has them, whatever shares their batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from text_models import CONTEXT, written_by

from pawn_core.language import (
    CharacterVocabulary,
    TextModel,
    TextSampling,
    complete,
    text_batch,
    token_log_probs,
)

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


class Endless(CharacterVocabulary):
    """Characters whose end no model writes."""

    end = -1


def test_a_prompt_is_computed_once_and_what_has_ended_is_left_out() -> None:
    text_model = replace(written_by("characters"), tokenizer=Endless())
    prompts = prompts_of(text_model, *["ab"] * 8, *["abcd"] * 8)
    sampling = [TextSampling(2)] * 6 + [TextSampling(20)] * 2 + [TextSampling(5)] * 8
    computed = shapes_of_steps(text_model)
    written = complete(text_model, prompts, sampling, seed=1)
    assert computed[0] == (2, 4)
    assert computed[1] == (16, 1)
    assert computed[4] == (16, 1)  # six have ended, but of one row: the grid keeps its width
    assert computed[5] == (2, 1)
    assert len(computed) == max(map(len, written.tokens))


def shapes_of_steps(text_model: TextModel) -> list[tuple[int, ...]]:
    """Return a list that grows by the shape of the tokens of each step."""
    shapes, hidden_next = [], text_model.model.hidden_next

    def noted(tokens_bt, times_t, cache):
        shapes.append(tuple(tokens_bt.shape))
        return hidden_next(tokens_bt, times_t, cache)

    object.__setattr__(text_model.model, "hidden_next", noted)
    return shapes


def test_a_completion_ends_with_its_end_token_or_is_cut() -> None:
    text_model = written_by("characters")
    prompts = prompts_of(text_model, *["ab"] * 40)
    written = complete(text_model, prompts, TextSampling(30, temperature=1.5), seed=2)
    end = text_model.tokenizer.end
    assert set(written.ended.tolist()) == {True, False}
    for tokens, ended, text in zip(written.tokens, written.ended, written.texts, strict=True):
        assert end not in tokens[:-1]
        assert (tokens[-1] == end) == ended
        assert len(tokens) == 30 or ended
        assert len(text) == len(tokens) - ended


@pytest.mark.parametrize("family", FAMILIES)
def test_a_completion_is_cut_where_the_context_ends(family: str) -> None:
    text_model = written_by(family)
    with torch.no_grad():
        text_model.model.lm_head.weight[text_model.tokenizer.end] = 0
    prompts = [[5] * (CONTEXT - 2), [5] * CONTEXT, [5, 6]]
    written = complete(text_model, prompts, TextSampling(9), seed=3)
    assert list(map(len, written.tokens)) == [3, 1, 9]
    # So that a row without its last token, which is what is scored, just fits.
    batch = text_batch(list(zip(prompts, written.tokens, strict=True)), text_model.tokenizer.pad)
    scored = token_log_probs(text_model.model, batch).detach()
    np.testing.assert_allclose(scored, np.concatenate(written.log_probs), atol=1e-5)


def test_padding_that_a_model_writes_is_an_error_of_its_own() -> None:
    text_model = written_by("characters")
    prompts = prompts_of(text_model, *["ab"] * 20)
    written = complete(text_model, prompts, TextSampling(30, temperature=3.0), seed=4)
    assert any(0 in tokens for tokens in written.tokens)
    assert all(
        ("\ufffd" in text) == (0 in t)
        for text, t in zip(written.texts, written.tokens, strict=True)
    )


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ([], r"prompts\[1\] has 0 tokens; allowed: 1 to 40, the context"),
        ([5] * 41, r"prompts\[1\] has 41 tokens; allowed: 1 to 40, the context"),
        ([97], r"prompts\[1\] has a token outside 0 to 96"),
    ],
)
def test_a_bad_prompt_is_refused(prompt: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        complete(written_by("characters"), [[5], prompt], TextSampling(2))


def test_settings_for_other_than_all_prompts_are_refused() -> None:
    with pytest.raises(ValueError, match="2 prompts, 1 settings of sampling and 2 numbers; allo"):
        complete(written_by("characters"), [[5], [6]], [TextSampling(2)])


def test_no_prompt_has_no_completion() -> None:
    assert len(complete(written_by("characters"), [], TextSampling(2))) == 0


def test_a_check_before_a_token_ends_the_work() -> None:
    calls = []

    def check() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        complete(written_by("characters"), [[5], [6]], TextSampling(9), check=check)
