"""The seven tasks of positions are those of the engine."""

import chess_engine
import numpy as np
import pytest

from pawn_core.config import ConfigError
from pawn_core.config.position_tasks import IGNORED, POSITION_TASKS, position_task


def test_they_are_the_engines_in_its_order() -> None:
    assert [task.name for task in POSITION_TASKS] == list(chess_engine.POSITION_TASKS)
    assert chess_engine.IGNORED == IGNORED


def test_their_targets_have_as_many_labels_as_their_heads_have_outputs() -> None:
    games = chess_engine.generate_random_games(8, seed=3, max_ply=60)
    boards = chess_engine.BatchGames(8, max_ply=60)
    fens = []
    for t in range(60):
        boards.apply(games.tokens[:, t].copy())
        fens += boards.fens()
    encoded = chess_engine.encode_positions(fens)
    for task in POSITION_TASKS:
        target = encoded.target(task.name)
        labels = set(target[target != IGNORED].tolist())
        if task.law == "classes":
            assert labels <= set(range(task.outputs))
        else:
            assert labels <= {0, 1}
            assert target[0].size == task.outputs * 64


def test_their_rates_are_those_of_random_games() -> None:
    encoded = chess_engine.encode_positions(
        chess_engine.sample_positions(range(4_000), seed=5).fens
    )
    for task in POSITION_TASKS:
        target = encoded.target(task.name)
        if task.law == "classes":
            labels = target[target != IGNORED]
            found = np.bincount(labels, minlength=task.outputs) / labels.size
        else:
            found = target.reshape(len(target), task.outputs, 64).mean(axis=(0, 2))
        np.testing.assert_allclose(task.rates, found, rtol=0.15, atol=2e-3, err_msg=task.name)


def test_an_unknown_task_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'pins' is unknown; one of: piece, threat, pin"):
        position_task("pins")
