"""scripts/run_evals.py evaluates what is finished and has no results yet."""

import json
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "run_evals.py"
TRAIN = (
    "--variant custom --d-model 16 --n-layers 1 --n-heads 2 --max-seq-len 24 --total-steps 4 "
    "--batch-size 4 --val-games 4 --device cpu --local-checkpoints --eval-interval 2"
)
SMALL = ("--games", "4", "--shard-games", "2", "--device", "cpu")


@pytest.fixture(scope="module")
def trained(run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    done = run("-m", "pawn_core", *TRAIN.split(), "--run-dir", folder / "logs/run_a", cwd=folder)
    assert done.returncode == 0, done.stderr
    paused = folder / "logs/run_b"
    shutil.copytree(folder / "logs/run_a", paused)
    outcome = json.loads((paused / "outcome.json").read_bytes()) | {"reason": "paused"}
    (paused / "outcome.json").write_text(json.dumps(outcome))
    return folder


def test_finished_runs_are_evaluated_once(run, trained: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(trained / "logs", logs)
    first = run(SCRIPT, "--log-dir", logs, *SMALL, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (results,) = logs.glob("evals/*/results.json")
    document = json.loads(results.read_bytes())
    assert document["complete"]
    assert "/run_a/checkpoints/step_" in document["weights"]["path"]
    before = results.stat().st_mtime_ns
    again = run(SCRIPT, "--log-dir", logs, *SMALL, cwd=tmp_path)
    assert (again.returncode, results.stat().st_mtime_ns) == (0, before)
    assert "has results, skipped" in again.stdout
    more = run(SCRIPT, "--log-dir", logs, *SMALL, "--games-seed", "5", cwd=tmp_path)
    assert more.returncode == 0, more.stderr
    assert len(list(logs.glob("evals/*/results.json"))) == 2


def test_a_stopped_evaluation_goes_on_where_it_was(run, trained: Path, tmp_path: Path) -> None:
    checkpoint = trained / "logs/run_a/checkpoints/step_00000004"
    command = (SCRIPT, "--checkpoint", checkpoint, "--output-dir", "evals", *SMALL)
    paused = run(*command, "--pause-after-steps", "1", cwd=tmp_path)
    assert paused.returncode == 0, paused.stderr
    assert not list(tmp_path.glob("evals/*/results.json"))
    done = run(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (results,) = tmp_path.glob("evals/*/results.json")
    (events,) = tmp_path.glob("evals/*/metrics.jsonl")
    assert json.loads(results.read_bytes())["complete"]
    kinds = [json.loads(line).get("event") for line in events.read_text().splitlines()]
    assert kinds.count("start") == 1
    assert kinds.count("stop") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--log-dir", "none"), "log-dir none is no folder"),
        (("--log-dir", "."), "has no finished run with a checkpoint"),
        (("--checkpoint", "x", "--gamse", "4"), "--gamse is not an option; did you mean '--games'"),
        (("--checkpoint", "x", "--evals", "legalty"), "did you mean 'legality'"),
        (("--checkpoint", "x", "--resume", "y"), "--resume is no field of a config"),
    ],
)
def test_a_bad_argument_is_one_clear_line(run, tmp_path: Path, arguments, message: str) -> None:
    done = run(SCRIPT, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
