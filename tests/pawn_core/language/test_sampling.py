"""Tokens are drawn as often as temperature, top-k and top-p say, and greedy ones are not drawn."""

import numpy as np
import pytest
import torch
from text_models import written_by
from torch import Tensor

from pawn_core.language import TextSampling, complete
from pawn_core.language.sampling import Warp

LOGITS = torch.tensor([[0.0, 1.0, -1.0, 2.0, 1.0]])


def allowed(sampling: TextSampling, logits_bv: Tensor = LOGITS) -> list[int]:
    warped_bv = Warp.of([sampling], logits_bv.shape[1], torch.device("cpu")).apply(logits_bv)
    return torch.isfinite(warped_bv[0]).nonzero().flatten().tolist()


def test_top_k_keeps_the_likeliest_tokens_and_of_equals_the_first() -> None:
    assert allowed(TextSampling(1, top_k=1)) == [3]
    assert allowed(TextSampling(1, top_k=2)) == [1, 3]
    assert allowed(TextSampling(1, top_k=99)) == [0, 1, 2, 3, 4]


def test_top_p_keeps_the_fewest_tokens_that_reach_it_at_the_temperature() -> None:
    p = LOGITS[0].softmax(0)
    assert allowed(TextSampling(1, top_p=float(p[3]) - 1e-6)) == [3]
    assert allowed(TextSampling(1, top_p=float(p[3]) + 1e-6)) == [1, 3]
    assert allowed(TextSampling(1, top_p=1.0)) == [0, 1, 2, 3, 4]
    assert allowed(TextSampling(1, temperature=0.1, top_p=0.9)) == [3]
    assert allowed(TextSampling(1, top_k=2, top_p=0.99)) == [1, 3]


def test_settings_of_a_batch_do_not_mix() -> None:
    settings = [TextSampling(1), TextSampling(1, top_k=2), TextSampling(1, 0.0)]
    settings += [TextSampling(1, 2.0, top_p=0.5)]
    together = Warp.of(settings, 5, torch.device("cpu")).apply(LOGITS.expand(4, 5))
    for row, sampling in zip(together, settings, strict=True):
        alone = Warp.of([sampling], 5, torch.device("cpu")).apply(LOGITS)[0]
        assert torch.equal(row.softmax(0), alone.softmax(0))


@pytest.mark.parametrize(
    "sampling",
    [
        TextSampling(2),
        TextSampling(2, temperature=0.6),
        TextSampling(2, temperature=1.4, top_k=12),
        TextSampling(2, top_p=0.7),
    ],
)
def test_two_tokens_are_drawn_with_their_exact_joint_probability(sampling: TextSampling) -> None:
    text_model, seed, count = written_by("characters"), 20_261_128, 2000
    print(f"seed {seed}")
    prompt = text_model.tokenizer.encode("ab")
    expected = joint_probabilities(text_model, prompt, sampling)
    written = complete(text_model, [prompt] * count, sampling, seed=seed)
    counts: dict[tuple[int, ...], int] = {}
    for tokens in written.tokens:
        counts[tuple(tokens.tolist())] = counts.get(tuple(tokens.tolist()), 0) + 1
    assert counts.keys() <= expected.keys()
    statistic, degrees = chi_square(counts, expected, count)
    # 4 standard deviations of the normal approximation: one seed in 30,000
    assert statistic < degrees + 4 * np.sqrt(2 * degrees)


@torch.no_grad()
def joint_probabilities(
    text_model, prompt: list[int], sampling: TextSampling
) -> dict[tuple[int, ...], float]:
    """Return the probability of each completion of two tokens, by the full forward."""
    size, end = text_model.tokenizer.size, text_model.tokenizer.end
    rows = torch.tensor([[*prompt, token] for token in range(size)])
    logits = text_model.model(rows)
    warp = Warp.of([sampling], size, torch.device("cpu"))
    first_v = warp.apply(logits[0, -2][None])[0].softmax(0)
    second_vv = torch.cat([warp.apply(row[None]) for row in logits[:, -1]]).softmax(1)
    joint_vv = (first_v[:, None] * second_vv).tolist()
    joint = {(a, b): p for a, row in enumerate(joint_vv) for b, p in enumerate(row)}
    joint = {pair: p for pair, p in joint.items() if p > 0 and pair[0] != end}
    return joint | ({(end,): float(first_v[end])} if first_v[end] > 0 else {})


def chi_square(
    counts: dict[tuple[int, ...], int], expected: dict[tuple[int, ...], float], count: int
) -> tuple[float, int]:
    """Return Pearson's statistic and its degrees of freedom; rare completions are one class."""
    common = [c for c, p in expected.items() if p * count >= 5]
    rest = 1 - sum(expected[c] for c in common)
    pairs = [(counts.get(c, 0), expected[c] * count) for c in common]
    if rest * count >= 5:
        pairs.append((count - sum(observed for observed, _ in pairs), rest * count))
    return sum((observed - wanted) ** 2 / wanted for observed, wanted in pairs), len(pairs) - 1


@pytest.mark.parametrize("family", ["characters", "gpt2"])
def test_greedy_completions_take_the_likeliest_token_at_every_length(family: str) -> None:
    text_model = written_by(family)
    prompts = [text_model.tokenizer.encode(text) for text in ("ab", "abcde", "ab")]
    written = complete(text_model, prompts, TextSampling(12, temperature=0.0), seed=7)
    for prompt, tokens in zip(prompts, written.tokens, strict=True):
        logits = text_model.model(torch.tensor([[*prompt, *tokens]]))[0, len(prompt) - 1 : -1]
        assert logits.argmax(1).tolist() == tokens.tolist()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens 0 is out of range"),
        ({"temperature": -0.1}, r"temperature -0\.1 is out of range; allowed: 0 or more"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"top_k": 0}, "top_k 0 is out of range"),
        ({"top_p": 0.0}, r"top_p 0\.0 is out of range"),
        ({"top_p": 1.1}, r"top_p 1\.1 is out of range"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        TextSampling(**({"max_new_tokens": 1} | settings))
