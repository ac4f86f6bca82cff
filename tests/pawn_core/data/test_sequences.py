"""Batches: what the model sees, and what it is asked for."""

import chess_engine
import numpy as np
import pytest

from pawn_core.data.distribution import legal_sets
from pawn_core.data.sequences import Batch

VOCABULARIES = [chess_engine.export_move_vocabulary(n) for n in ("searchless", "coordinate")]
LAYOUTS = ["pure", "prefixed"]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: v.name)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("max_ply", [8, 60])
def test_each_supervised_position_predicts_the_next_token_and_the_last_predicts_pad(
    vocabulary, layout: str, max_ply: int
) -> None:
    rules = {"seed": 5, "max_ply": max_ply, "mate_boost": 1.0, "vocabulary": vocabulary.name}
    played = chess_engine.generate_random_games(40, **rules)
    batch = Batch.of(chess_engine.generate_training_batch(40, **rules, layout=layout))
    assert (played.lengths == max_ply).any()
    expected_positions, expected_targets = [], []
    width = batch.tokens_bt.shape[1]
    for row, length in enumerate(played.lengths):
        moves = played.tokens[row, :length].tolist()
        sequence = [int(played.outcomes[row])] * (layout == "prefixed") + moves
        assert batch.tokens_bt[row, : len(sequence)].tolist() == sequence
        assert (batch.tokens_bt[row, len(sequence) :] == vocabulary.pad).all()
        expected_positions += [row * width + t for t in range(len(sequence))]
        expected_targets += [*sequence[1:], vocabulary.pad]
    assert batch.positions_n.tolist() == expected_positions
    assert batch.targets_n.tolist() == expected_targets


def test_the_first_predicted_ply_is_1_in_the_pure_layout_and_0_in_the_prefixed() -> None:
    for layout, first_ply in zip(LAYOUTS, (1, 0), strict=True):
        sequences = chess_engine.generate_training_batch(
            40, seed=5, max_ply=60, layout=layout, legal_moves=True
        )
        sets = legal_sets(sequences)
        counts = sequences.loss_mask.sum(axis=1)
        first, last = np.cumsum(counts) - counts, np.cumsum(counts) - 1
        assert (sets.plies_n[first] == first_ply).all()
        assert (sets.plies_n[last] == sequences.lengths).all()
        assert not sets.is_move_n[last].any()
        assert sets.is_move_n.sum() == len(sets.plies_n) - len(last)
