"""Evaluations in which a model plays are runs: they pause, resume and are killed like any."""

import io
import json
import signal
from pathlib import Path

import chess.pgn
import pytest

from pawn_core.checkpoint import latest_verified
from pawn_core.config import ConfigError
from pawn_core.config.conditioning import CASES

EVAL = {
    "run_type": "eval",
    "weights": "trial:3",
    "evals": "generation,play",
    "device": "cpu",
    "games": 12,
    "shard_games": 6,
    "play_pairs": 9,
    "play_opening_plies": 3,
}
GENERATION, PLAY = 4, 3


@pytest.fixture
def evaluate(tiny, train, tmp_path: Path):
    """Train a model with outcome tokens as trial 3; return a function that evaluates it."""
    train(tiny | {"prepend_outcome": True}, "trials/0003/run")

    def run(trial: int, resume: Path | None = None, **fields):
        return train(EVAL | fields, f"trials/{trial:04d}/run", resume)

    return run


def run_dir(tmp_path: Path, trial: int) -> Path:
    return tmp_path / f"trials/{trial:04d}/run"


def reports(tmp_path: Path, trial: int) -> dict[str, dict]:
    document = json.loads((run_dir(tmp_path, trial) / "results.json").read_bytes())
    return {report["name"]: report for report in document["evaluations"]}


def pgn(tmp_path: Path, trial: int) -> bytes:
    return (run_dir(tmp_path, trial) / "evaluations/play/games.pgn").read_bytes()


def test_all_games_come_to_results_with_definitions_and_counts(evaluate, tmp_path, records) -> None:
    outcome = evaluate(4)
    assert (outcome.reason, outcome.step) == ("completed", GENERATION + PLAY)
    by_name = reports(tmp_path, 4)
    assert list(by_name) == ["generation", "play"]
    for report in by_name.values():
        assert report["definition"]
        assert all(figure["definition"] for figure in report["figures"])
    assert by_name["generation"]["facts"]["games"] == 12
    assert by_name["play"]["facts"]["opponent"] == "random play"
    assert records(run_dir(tmp_path, 4), "eval")[-1]["play.score"] == outcome.metrics["play.score"]


@pytest.mark.parametrize("pause", [3, GENERATION, GENERATION + 1])
def test_a_paused_one_goes_on_to_the_same_results_and_games(
    evaluate, tmp_path, records, pause: int
) -> None:
    evaluate(4)
    paused = evaluate(5, pause_after_steps=pause)
    checkpoint = run_dir(tmp_path, 5) / "checkpoints" / paused.checkpoint
    evaluate(6, checkpoint)
    evaluate(5, checkpoint)
    for trial in (5, 6):
        assert reports(tmp_path, trial) == reports(tmp_path, 4)
        assert pgn(tmp_path, trial) == pgn(tmp_path, 4)


def test_a_killed_match_goes_on_to_the_same_games(evaluate, spawn_warm, tmp_path) -> None:
    fields = {"evals": "play", "play_pairs": 60, "shard_games": 2, "checkpoint_interval": 5}
    evaluate(4, **fields)
    run_dir(tmp_path, 5).parent.mkdir()
    process = spawn_warm(EVAL | fields, "trials/0005/run")
    saved = run_dir(tmp_path, 5) / "checkpoints"
    while latest_verified(saved) is None:
        assert process.poll() is None, process.stderr.read()
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    checkpoint = latest_verified(saved)
    assert checkpoint.name < "step_00000060"
    evaluate(5, checkpoint, **fields)
    assert pgn(tmp_path, 5) == pgn(tmp_path, 4)
    assert reports(tmp_path, 5) == reports(tmp_path, 4)


def test_a_model_with_outcome_tokens_is_asked_for_outcomes(evaluate, tmp_path) -> None:
    outcome = evaluate(4, evals="conditioning", conditioning_games=1)
    assert outcome.reason == "completed"
    (table,) = reports(tmp_path, 4)["conditioning"]["tables"]
    assert len(table["rows"]) == len(CASES)


def test_a_model_plays_another_checkpoint_of_a_trial(evaluate, tmp_path) -> None:
    evaluate(4, evals="play", play_opponent="trial:3@4", play_pairs=6)
    report = reports(tmp_path, 4)["play"]
    assert report["facts"]["opponent_facts"]["step"] == 4
    first = chess.pgn.read_game(io.StringIO(pgn(tmp_path, 4).decode()))
    assert (first.headers["White"], first.headers["Black"]) == ("trial:3", "trial:3@4")
    with pytest.raises(ConfigError, match=r"play_opponent: weights 'trial:3@7'.* saved: 4"):
        evaluate(5, evals="play", play_opponent="trial:3@7")


def test_a_model_against_itself_is_even(evaluate, tmp_path) -> None:
    evaluate(4, evals="play", play_opponent="trial:3", play_temperature=0.0)
    rows = next(t for t in reports(tmp_path, 4)["play"]["tables"] if t["name"] == "pairs")["rows"]
    assert dict(rows)[0.5] == 9  # one greedy game each, with the colours swapped


def test_what_cannot_be_asked_is_refused_before_any_work(tiny, train, evaluate, tmp_path) -> None:
    train(tiny, "trials/0007/run")
    with pytest.raises(ConfigError, match="conditioning needs a model whose sequences begin with"):
        evaluate(4, weights="trial:7", evals="generation,conditioning")
    with pytest.raises(ConfigError, match="no chess program 'no-such-program' on the PATH"):
        evaluate(4, evals="generation,play", play_opponent="uci:no-such-program")
