"""Legal token masks: which tokens may come next at each position of a layout."""

import chess_engine as engine
import numpy as np
import pytest

NAMES = ["searchless", "coordinate"]


def batch(name: str, n_games: int = 30, max_ply: int = 100) -> engine.Games:
    return engine.generate_random_games(
        n_games, seed=50, max_ply=max_ply, vocabulary=name, legal_moves=True, mate_boost=1.0
    )


@pytest.mark.parametrize("name", NAMES)
def test_legal_moves_of_recorded_games_are_those_of_generation(name: str):
    games = batch(name, 100)
    legal = engine.compute_legal_moves(games.tokens, vocabulary=name)
    np.testing.assert_array_equal(legal.values, games.legal_values)
    np.testing.assert_array_equal(legal.offsets, games.legal_offsets)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("layout", ["pure", "prefixed"])
def test_each_row_holds_the_legal_moves_and_then_padding(layout: str, name: str):
    games = batch(name)
    seen_at_first = {"pure": 1, "prefixed": 0}[layout]
    rows = 101 - seen_at_first
    pad = engine.export_move_vocabulary(name).pad
    masks = engine.compute_legal_token_masks_sparse(games.tokens, layout=layout, vocabulary=name)
    assert masks.offsets.shape == (30 * rows + 1,)
    assert games.legal_values is not None
    assert games.legal_offsets is not None
    first = np.cumsum(games.lengths) - games.lengths
    for i, length in enumerate(games.lengths):
        for t in range(rows):
            row = masks.values[masks.offsets[i * rows + t] : masks.offsets[i * rows + t + 1]]
            seen = t + seen_at_first
            if seen >= length:
                assert row.tolist() == [pad]
                continue
            source = first[i] + seen
            start, end = games.legal_offsets[source], games.legal_offsets[source + 1]
            np.testing.assert_array_equal(row, games.legal_values[start:end])


@pytest.mark.parametrize("layout", ["pure", "prefixed"])
def test_the_target_of_every_supervised_position_is_allowed(layout: str):
    games = batch("searchless")
    pad = engine.export_move_vocabulary().pad
    masks = engine.compute_legal_token_masks(games.tokens, layout=layout)
    shift = {"pure": 1, "prefixed": 0}[layout]
    targets = np.full((30, masks.shape[1]), pad)
    targets[:, : 100 - shift] = games.tokens[:, shift:]
    assert np.take_along_axis(masks, targets[..., None], axis=2).all()


@pytest.mark.parametrize("layout", ["pure", "prefixed"])
def test_dense_masks_are_the_sparse_ones(layout: str):
    tokens = batch("coordinate", 8, 40).tokens
    arguments = {"layout": layout, "vocabulary": "coordinate"}
    sparse = engine.compute_legal_token_masks_sparse(tokens, **arguments)
    dense = engine.compute_legal_token_masks(tokens, **arguments)
    assert dense.dtype == np.bool_
    assert dense.shape[2] == 4278
    np.testing.assert_array_equal(dense.reshape(-1, 4278).nonzero()[1], sparse.values)
    np.testing.assert_array_equal(dense.sum(2).ravel(), np.diff(sparse.offsets))


def test_threads_change_no_mask():
    tokens = batch("searchless").tokens
    one = engine.compute_legal_token_masks_sparse(tokens, threads=1)
    two = engine.compute_legal_token_masks_sparse(tokens, threads=2)
    np.testing.assert_array_equal(one.values, two.values)


def test_an_empty_game_and_no_games_have_their_rows():
    empty = engine.compute_legal_token_masks(np.full((1, 2), 1968, np.int16), layout="prefixed")
    assert empty.nonzero()[2].tolist() == [1968] * 3
    assert engine.compute_legal_token_masks(np.zeros((0, 2), np.int16)).shape == (0, 2, 1980)


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match=r'layout must be one of: pure, prefixed, got "odd"'):
        engine.compute_legal_token_masks(np.zeros((0, 2), np.int16), layout="odd")
