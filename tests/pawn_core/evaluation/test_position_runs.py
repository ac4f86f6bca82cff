"""The evaluations of positions as one run: figures defined, paused and resumed bitwise."""

import json
from pathlib import Path

import chess_engine
import pytest

from pawn_core.config import ConfigError

EVALS = ("diagnostics", "yardstick", "ceiling", "accuracy")
FIELDS = {"run_type": "eval", "weights": "trial:3", "device": "cpu", "evals": EVALS}
FIELDS |= {"games": 6, "shard_games": 3, "diagnostic_positions": 70, "diagnostic_games": 500}
FIELDS |= {"yardstick_plies": 20, "max_games": 9, "ceiling_rollouts": 2}
SHARDS = 2 + 2 + 2 + 3


@pytest.fixture
def evaluate(tiny, train, tmp_path: Path):
    """Return a function that evaluates a trial of a layout beside it."""
    games = chess_engine.generate_checkmate_games(8, seed=1, max_ply=30, mate_boost=1.0)
    pgn = tmp_path / "games.pgn"
    pgn.write_text(chess_engine.tokens_to_pgn(games.tokens, games.lengths))

    def run(trial: int, resume: Path | None = None, **fields):
        return train(FIELDS | {"pgn": str(pgn)} | fields, f"trials/{trial:04d}/run", resume)

    return run


def results(tmp_path: Path, trial: int) -> dict:
    return json.loads((tmp_path / f"trials/{trial:04d}/run/results.json").read_bytes())


@pytest.mark.parametrize("kind", [{}, {"vocabulary": "coordinate"}], ids=["pure", "prefixed"])
def test_they_leave_defined_figures_and_resume_to_the_same_ones(
    evaluate, tiny, train, tmp_path: Path, kind: dict
) -> None:
    train(tiny | kind, "trials/0003/run")
    whole = evaluate(4)
    assert (whole.reason, whole.step) == ("completed", SHARDS)
    reports = results(tmp_path, 4)["evaluations"]
    assert [report["name"] for report in reports] == list(EVALS)
    for report in reports:
        assert report["definition"]
        assert report["facts"]["positions"] > 0
        measured = [figure for figure in report["figures"] if figure["value"] is not None]
        assert all(figure["definition"] for figure in measured)
        assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in measured)
    for pause in (1, 5, 7):
        paused = evaluate(10 + pause, pause_after_steps=pause)
        folder = tmp_path / f"trials/{10 + pause:04d}/run/checkpoints"
        evaluate(20 + pause, folder / paused.checkpoint)
        assert results(tmp_path, 20 + pause)["evaluations"] == reports


def test_a_pgn_that_is_not_there_is_refused_before_any_work(
    evaluate, tiny, train, tmp_path: Path
) -> None:
    train(tiny, "trials/0003/run")
    with pytest.raises(ConfigError, match=r"pgn 'gone\.pgn' is not there; allowed: a PGN file"):
        evaluate(4, pgn="gone.pgn")
    assert not (tmp_path / "trials/0004/run/checkpoints").exists()
