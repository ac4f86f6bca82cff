"""Evaluations of models of positions are runs; those of models of moves refuse them, and them."""

import json
from pathlib import Path

import chess.pgn
import pytest
from made_positions import made_positions
from position_weights import position_weights

from pawn_core.config import ConfigError
from pawn_core.config.position_tasks import POSITION_TASKS

SOURCES = ("external:pgn", "stockfish:endgames")
EVAL = {
    "run_type": "eval",
    "evals": "positions,play",
    "device": "cpu",
    "max_positions": 300,
    "play_pairs": 2,
    "shard_games": 2,
    "max_ply": 14,
    "play_opening_plies": 4,
}
SHARDS = 2 + 2


@pytest.fixture(scope="module")
def positions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with more than 300 held-out positions of two sources."""
    folder = tmp_path_factory.mktemp("positions") / "made"
    made_positions(folder, 200, SOURCES, val_share=0.9)
    return folder


@pytest.fixture
def evaluate(train, tmp_path: Path, positions: Path):
    """Return a function that evaluates a new model of positions: `evaluate(4, evals="play")`."""
    weights = str(position_weights(tmp_path / "weights", seed=3))

    def run(trial: int, resume: Path | None = None, **fields):
        config = EVAL | {"weights": weights, "positions": str(positions)} | fields
        return train(config, f"trials/{trial:04d}/run", resume)

    return run


def run_dir(tmp_path: Path, trial: int) -> Path:
    return tmp_path / f"trials/{trial:04d}/run"


def results(tmp_path: Path, trial: int) -> dict:
    return json.loads((run_dir(tmp_path, trial) / "results.json").read_bytes())


def test_they_leave_figures_of_all_and_of_each_source_and_resume_to_the_same_ones(
    evaluate, tmp_path: Path, records
) -> None:
    outcome = evaluate(4)
    assert (outcome.reason, outcome.step) == ("completed", SHARDS)
    document = results(tmp_path, 4)
    assert document["model"]["trunk"] == "tower"
    scorecard, play = document["evaluations"]
    figures = {figure["name"]: figure for figure in scorecard["figures"]}
    assert {f"{task.name}_skill" for task in POSITION_TASKS} < figures.keys()
    assert scorecard["facts"]["positions"] == 300
    for figure in figures.values():
        assert figure["definition"]
        if figure["value"] is not None:
            assert figure["low"] <= figure["value"] <= figure["high"], figure["name"]
    (of_sources,) = (table for table in scorecard["tables"] if table["name"] == "sources")
    counts = {row[0]: row[-1] for row in of_sources["rows"] if row[1] == "val_loss"}
    assert counts.keys() == set(SOURCES)
    assert sum(counts.values()) == 300
    assert play["facts"]["games"] == 4
    last = records(run_dir(tmp_path, 4), "eval")[-1]
    assert last["positions.val_loss_low"] < last["positions.val_loss_high"]
    paused = evaluate(5, pause_after_steps=1)
    evaluate(6, run_dir(tmp_path, 5) / "checkpoints" / paused.checkpoint)
    assert results(tmp_path, 6)["evaluations"] == document["evaluations"]


def test_a_model_of_positions_plays_one_of_moves_and_either_is_the_subject(
    evaluate, tiny, train, tmp_path: Path
) -> None:
    train(tiny, "trials/0003/run")
    evaluate(4, evals="play", play_opponent="trial:3")
    opposed = {"weights": "trial:3", "play_opponent": str(tmp_path / "weights")}
    evaluate(5, evals="play", **opposed)
    for trial in (4, 5):
        (play,) = results(tmp_path, trial)["evaluations"]
        assert play["facts"]["games"] == 4
        with (run_dir(tmp_path, trial) / "evaluations/play/games.pgn").open() as file:
            assert chess.pgn.read_game(file).errors == []


def test_evaluations_of_models_of_moves_refuse_them_with_those_that_do_not(evaluate) -> None:
    refusal = (
        "a model that speaks positions; evals 'legality' takes models that speak moves; "
        "allowed for it: play, positions"
    )
    with pytest.raises(ConfigError, match=refusal):
        evaluate(4, evals="legality")


def test_a_model_of_moves_has_no_positions_to_be_asked(evaluate, tiny, train) -> None:
    train(tiny, "trials/0003/run")
    with pytest.raises(ConfigError, match="evals 'positions' takes models that speak positions"):
        evaluate(4, evals="positions", weights="trial:3")


def test_a_damaged_folder_or_one_that_holds_nothing_out_is_refused_before_any_work(
    evaluate, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    made_positions(whole, 20, SOURCES, val_share=0.0)
    with pytest.raises(ConfigError, match="holds no position out"):
        evaluate(4, evals="positions", positions=str(whole))
    shard = next((whole / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x00\x01")
    with pytest.raises(ConfigError, match=shard.name):
        evaluate(4, evals="positions", positions=str(whole))
    with pytest.raises(ConfigError, match="is no folder of positions"):
        evaluate(4, evals="positions", positions=str(tmp_path))
    assert not (run_dir(tmp_path, 4) / "checkpoints").exists()
