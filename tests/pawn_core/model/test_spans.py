"""Attention over games that lie one after the other is that of each game alone."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pawn_core.model.spans import GameSpans, PromptSpans, attend_prompt_spans, attend_spans

FILLERS = 3


def each_alone(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, games: GameSpans) -> torch.Tensor:
    """Return torch's own causal attention, game by game, (n, h, k); zeros for the fillers."""
    spans = [slice(begin, end) for begin, end in sorted(games.longest_first)]
    qkv = [x.transpose(0, 1) for x in (q, k, v)]
    mixed = [
        F.scaled_dot_product_attention(*(x[:, span] for x in qkv), is_causal=True) for span in spans
    ]
    return F.pad(torch.cat(mixed, 1).transpose(0, 1), (0, 0, 0, 0, 0, FILLERS))


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5), (torch.bfloat16, 0.08)]
)
@pytest.mark.parametrize(
    "lengths", [[5, 130, 300, 1], [7], [128, 256], [511, 512, 30], [70] * 17 + [3] * 9]
)
def test_values_and_gradients_are_those_of_each_game_alone(lengths, dtype, tolerance) -> None:
    games, generator = GameSpans(lengths), torch.Generator().manual_seed(len(lengths))
    shape = (4, sum(lengths) + FILLERS, 2, 8)
    *qkv, weight = torch.randn(shape, generator=generator, dtype=torch.float64)
    found = [x.to(dtype).requires_grad_() for x in qkv]
    expected = [x.detach().double().requires_grad_() for x in found]
    mixed, reference = attend_spans(*found, games), each_alone(*expected, games)
    (mixed * weight.to(dtype)).sum().backward()
    (reference * weight.to(dtype)).sum().backward()
    for one, other in zip((mixed, *found), (reference, *expected), strict=True):
        ours = one.grad if one.is_leaf else one
        theirs = other.grad if other.is_leaf else other
        np.testing.assert_allclose(ours.detach().double(), theirs.detach(), atol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.bfloat16, 0.08)])
def test_texts_with_a_common_prompt_see_what_each_text_alone_does(dtype, tolerance) -> None:
    spans = PromptSpans(GameSpans([40, 3, 70]), GameSpans([1, 90, 20, 130, 5]), [0, 2, 1, 0, 2])
    prompts, texts = (sorted(part.longest_first) for part in (spans.prompts, spans.texts))
    end = prompts[-1][1]
    shape = (4, end + texts[-1][1], 2, 8)
    *qkv, weight = torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()
    found = [x.to(dtype).requires_grad_() for x in qkv]
    expected = [x.detach().double().requires_grad_() for x in found]
    reference = torch.zeros_like(expected[0])
    for (begin, stop), prompt in zip(texts, spans.prompt_of, strict=True):
        places = torch.cat((torch.arange(*prompts[prompt]), torch.arange(end + begin, end + stop)))
        alone = [x[places].transpose(0, 1) for x in expected]
        mixed = F.scaled_dot_product_attention(*alone, is_causal=True).transpose(0, 1)
        reference = reference.index_put((places,), mixed)  # a prompt's are the same in each
    mixed = attend_prompt_spans(*found, spans)
    (mixed * weight.to(dtype)).sum().backward()
    (reference * weight).sum().backward()
    for one, other in zip((mixed, *found), (reference, *expected), strict=True):
        ours = one.grad if one.is_leaf else one
        theirs = other.grad if other.is_leaf else other
        np.testing.assert_allclose(ours.detach().double(), theirs.detach(), atol=tolerance)
