"""Rows are supervised where their completions are, the end token included."""

import pytest

from pawn_core.language import text_batch


def test_each_token_of_a_completion_is_a_target_and_none_of_a_prompt() -> None:
    batch = text_batch([([5, 6, 7], [8, 1]), ([9], [4, 3, 1])], pad=0)
    assert batch.tokens_bt.tolist() == [[5, 6, 7, 8], [9, 4, 3, 0]]
    assert batch.positions_n.tolist() == [2, 3, 4, 5, 6]
    assert batch.targets_n.tolist() == [8, 1, 4, 3, 1]
    assert (batch.games, batch.attended_pairs) == (2, 4 * 5 // 2 + 3 * 4 // 2)


def test_prompts_are_learned_too_where_that_is_asked_for() -> None:
    batch = text_batch([([5, 6, 7], [8, 1]), ([9], [4])], pad=0, with_prompts=True)
    assert batch.positions_n.tolist() == [0, 1, 2, 3, 4]
    assert batch.targets_n.tolist() == [6, 7, 8, 1, 4]


def test_an_end_that_is_also_the_padding_is_learned() -> None:
    batch = text_batch([([5, 6], [9]), ([5], [9])], pad=9)
    assert batch.targets_n.tolist() == [9, 9]
    assert batch.positions_n.tolist() == [1, 2]


@pytest.mark.parametrize("row", [([], [1]), ([1], [])])
def test_an_empty_part_is_refused(row: tuple[list[int], list[int]]) -> None:
    with pytest.raises(ValueError, match=r"row 1 has a prompt of \d tokens and a completion of \d"):
        text_batch([([1], [1]), row], pad=0)
