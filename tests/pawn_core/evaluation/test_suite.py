"""Evaluations of a folder of runs are made of the runs whose models they take."""

import json
from pathlib import Path

import pytest
from position_weights import toy_model

from pawn_core.checkpoint import store
from pawn_core.config import ConfigError
from pawn_core.evaluation.suite import jobs_of
from pawn_core.run_paths import MODEL, POSITION_MODEL, RunPaths


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return a folder with a finished run that trained a model of positions."""
    paths, model = RunPaths(tmp_path / "logs/run_p"), toy_model()
    config = {"run_type": "multitask", "positions": "made"}
    documents = {POSITION_MODEL: model.spec.document()}
    store.save(
        paths.checkpoints,
        store.Checkpoint(4, {MODEL: model.state_dict()}, {}, config, documents=documents),
    )
    paths.config.write_text(json.dumps(config), encoding="utf-8")
    paths.outcome.write_text(json.dumps({"reason": "completed"}), encoding="utf-8")
    return tmp_path / "logs"


def test_a_run_is_evaluated_where_its_models_are_taken(logs: Path, tmp_path: Path) -> None:
    fields = {"evals": ["positions"], "positions": "made"}
    (job,) = jobs_of(logs, "latest", tmp_path / "evals", fields)
    assert job.name == "run_p-step_00000004"
    with pytest.raises(ConfigError, match="no finished run with a checkpoint that the evaluations"):
        list(jobs_of(logs, "latest", tmp_path / "evals", {"evals": ["legality"]}))
