"""Layouts: what the model sees, and what it is asked for."""

import chess_engine
import numpy as np
import pytest

from pawn_core.data.sequences import lay_out, predicted_plies

VOCABULARIES = [chess_engine.export_move_vocabulary(n) for n in ("searchless", "coordinate")]


def games(vocabulary, max_ply: int = 60, count: int = 40):
    return chess_engine.generate_random_games(
        count, seed=5, max_ply=max_ply, mate_boost=1.0, vocabulary=vocabulary.name, threads=1
    )


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: v.name)
@pytest.mark.parametrize("prefixed", [False, True], ids=["pure", "prefixed"])
def test_each_supervised_position_predicts_the_next_token_and_the_last_predicts_pad(
    vocabulary, prefixed: bool
) -> None:
    played = games(vocabulary)
    batch = lay_out(played, vocabulary.pad, prefixed=prefixed)
    expected_positions, expected_targets = [], []
    width = batch.tokens_bt.shape[1]
    for row, length in enumerate(played.lengths):
        moves = played.tokens[row, :length].tolist()
        sequence = [int(played.outcomes[row])] * prefixed + moves
        assert batch.tokens_bt[row, : len(sequence)].tolist() == sequence
        assert (batch.tokens_bt[row, len(sequence) :] == vocabulary.pad).all()
        expected_positions += [row * width + t for t in range(len(sequence))]
        expected_targets += [*sequence[1:], vocabulary.pad]
    assert batch.positions_n.tolist() == expected_positions
    assert batch.targets_n.tolist() == expected_targets


@pytest.mark.parametrize("prefixed", [False, True])
def test_a_game_of_full_length_still_has_its_pad(prefixed: bool) -> None:
    vocabulary = VOCABULARIES[0]
    played = games(vocabulary, max_ply=8)
    full = played.lengths == 8
    assert full.any()
    batch = lay_out(played, vocabulary.pad, prefixed=prefixed)
    assert (batch.targets_n == vocabulary.pad).sum() == len(played.lengths)
    assert batch.tokens_bt.shape[1] == 8 + prefixed
    assert len(batch.targets_n) == played.lengths.sum() + prefixed * len(played.lengths)


def test_a_batch_is_as_wide_as_its_longest_game_unless_told_otherwise() -> None:
    vocabulary = VOCABULARIES[0]
    played = games(vocabulary, max_ply=200, count=3)
    narrow = lay_out(played, vocabulary.pad, prefixed=False)
    wide = lay_out(played, vocabulary.pad, prefixed=False, width=200)
    assert narrow.tokens_bt.shape == (3, played.lengths.max())
    assert wide.tokens_bt.shape == (3, 200)
    assert wide.targets_n.tolist() == narrow.targets_n.tolist()


def test_the_first_predicted_ply_is_1_in_the_pure_layout_and_0_in_the_prefixed() -> None:
    played = games(VOCABULARIES[0])
    first = np.cumsum(played.lengths) - played.lengths
    pure = predicted_plies(played, prefixed=False)
    assert (pure[first] == 1).all()
    prefixed = predicted_plies(played, prefixed=True)
    assert (prefixed[first + np.arange(len(first))] == 0).all()
    assert pure.max() == prefixed.max() == played.lengths.max()
