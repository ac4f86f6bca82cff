"""Ceilings computed in parts are those computed in one go, wherever the work was stopped."""

from itertools import islice
from pathlib import Path

import chess_engine
import numpy as np
import pytest

from pawn_core.evaluation.positions.ceiling_sums import CeilingRules, compute_in_parts, load_sums

RULES = CeilingRules(seed=3, max_ply=50, vocabulary="coordinate", sample_rate=0.1, rollouts=4)


def compute(path: Path | None, games: int = 20) -> list[np.ndarray]:
    return list(compute_in_parts(RULES, games, 6, path, lambda done: None))


def as_tuples(found: chess_engine.AccuracyCeiling) -> list[tuple[float, float, float]]:
    estimates = [found.moves.mc_lower, found.prefixed.mc_upper, found.pure_unconditional]
    return [(e.value, e.low, e.high) for e in estimates]


def test_parts_come_to_what_one_go_comes_to(tmp_path: Path) -> None:
    steps = compute(tmp_path / "sums")
    assert [len(sums) for sums in steps] == [6, 12, 18, 20]
    whole = chess_engine.compute_accuracy_ceiling(
        20,
        seed=3,
        max_ply=50,
        vocabulary="coordinate",
        sample_rate=0.1,
        rollouts=4,
        resamples=100,
    )
    assert as_tuples(RULES.combined(steps[-1], 100)) == as_tuples(whole)


@pytest.mark.parametrize("parts_done", [1, 2, 4])
def test_work_goes_on_after_the_parts_that_are_kept(tmp_path: Path, parts_done: int) -> None:
    path = tmp_path / "deep" / "sums"
    done = list(islice(compute_in_parts(RULES, 20, 6, path, lambda done: None), parts_done))[-1]
    np.testing.assert_array_equal(load_sums(path, RULES), done)
    heard: list[int] = []
    *_, resumed = compute_in_parts(RULES, 20, 6, path, heard.append)
    np.testing.assert_array_equal(resumed, compute(None)[-1])
    assert all(n > len(done) for n in heard)


def test_fewer_games_than_are_kept_are_the_first_of_them(tmp_path: Path) -> None:
    kept = compute(tmp_path / "sums")[-1]
    (fewer,) = compute(tmp_path / "sums", games=7)
    np.testing.assert_array_equal(fewer, kept[:7])
