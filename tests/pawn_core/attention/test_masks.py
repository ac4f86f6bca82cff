"""Attention within games: the fallback and flex attention's blocks say the same."""

import pytest
import torch

from pawn_core.attention.masks import BLOCK, block_mask, dense_mask
from pawn_core.model.attention import attend


def games(*rows: list[int]) -> torch.Tensor:
    """Return rows of games of these lengths, one after the other, as rising numbers."""
    rising = [torch.repeat_interleave(torch.tensor(row)) for row in rows]
    return torch.stack(rising).int()


GAMES = games([512], [100, 28, 128, 200, 56], [1, 127, 300, 84], [130, 130, 130, 122])


def test_a_query_sees_its_game_up_to_itself() -> None:
    seen = dense_mask(games([2, 3]))[0, 0].int()
    assert seen.tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 1, 1],
    ]


def test_flex_attention_visits_the_blocks_in_which_a_key_is_seen_and_no_others() -> None:
    tiles = dense_mask(GAMES).unflatten(3, (-1, BLOCK)).unflatten(2, (-1, BLOCK))
    some, every = tiles.any(5).any(3), tiles.all(5).all(3)
    mask = block_mask(GAMES)
    assert torch.equal(mask.to_dense().bool(), some)
    assert mask.full_kv_num_blocks is not None
    assert torch.equal(mask.full_kv_num_blocks, every.sum(-1))
    assert torch.equal(mask.kv_num_blocks, (some & ~every).sum(-1))


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_flex_attention_gives_what_the_fallback_gives(compiled: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(4, 2, 512, 16, generator=generator) for _ in range(3))
    flex = torch.compile(attend, backend="aot_eager") if compiled else attend
    found = flex(q, k, v, block_mask(GAMES))
    torch.testing.assert_close(found, attend(q, k, v, dense_mask(GAMES)))
