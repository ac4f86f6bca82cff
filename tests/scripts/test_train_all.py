"""scripts/train_all.py trains several models, and evaluates them where that is asked for."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_all.py"
TINY = {"variant": "custom", "d_model": 8, "n_layers": 1, "n_heads": 2}
CONFIG = {
    "run_type": "cotrain",
    "variants": {"a": TINY, "b": TINY | {"d_model": 12}},
    "max_seq_len": 16,
    "total_steps": 2,
    "batch_size": 2,
    "val_games": 2,
    "num_workers": 0,
    "local_checkpoints": True,
}


@pytest.fixture
def train_all(run) -> Callable:
    """Return a function that runs the script in a folder."""
    return partial(run, SCRIPT)


def test_each_model_is_evaluated_after_the_training(train_all, tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(CONFIG))
    flags = ("--config", "tiny.json", "--run-dir", "run", "--device", "cpu")
    done = train_all(*flags, "--run-evals", "legality", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    documents = [
        json.loads(path.read_bytes()) for path in tmp_path.glob("run/evals/*/results.json")
    ]
    widths = sorted(document["model"]["architecture"]["d_model"] for document in documents)
    assert widths == [8, 12]
    assert all(document["complete"] for document in documents)


def test_there_is_nothing_to_publish_without_evaluations(train_all, tmp_path: Path) -> None:
    done = train_all("--publish-results", "owner/pawn-{variant}", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "train_all: --publish-results needs --run-evals\n",
    )
