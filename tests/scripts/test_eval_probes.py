"""scripts/eval_probes.py probes the runs of a folder, or one checkpoint, and prints tables."""

import json
import runpy
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "eval_probes.py"
TRAIN = (
    "--variant custom --d-model 16 --n-layers 1 --n-heads 2 --max-seq-len 32 --total-steps 4 "
    "--batch-size 4 --val-games 4 --device cpu --local-checkpoints --seed 5"
)
SMALL = "--n-games 20 --n-val-games 10 --n-epochs 2 --share 1 --device cpu"


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run in `logs/run_a`, another two levels down, and one that saved nothing."""
    folder = tmp_path_factory.mktemp("work")
    run_dir = folder / "logs" / "run_a"
    trained = run("-m", "pawn_core", *TRAIN.split(), "--run-dir", run_dir, cwd=folder)
    assert trained.returncode == 0, trained.stderr
    shutil.copytree(run_dir, folder / "logs" / "trial_0002" / "run_b")
    (folder / "logs" / "run_c" / "checkpoints").mkdir(parents=True)
    return folder


def test_every_run_of_the_folder_is_probed_and_no_measurement(run, folder: Path) -> None:
    done = run(SCRIPT, "--log-dir", "logs", "--hidden", 4, *SMALL.split(), cwd=folder)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    runs = ["logs/run_a", "logs/trial_0002/run_b"]
    assert [line for line in printed if line.startswith("logs/")] == runs
    results = list(folder.glob("logs/probes_*/results.json"))
    assert len(results) == 2
    (report,) = json.loads(results[0].read_text())["evaluations"]
    assert (report["facts"]["train_games"], report["facts"]["games"]) == (20, 10)
    first_words = [line.split()[0] for line in printed if line]
    for table in ("linear", "hidden"):
        assert first_words.count(table) == 2
    for figure in report["figures"]:
        assert first_words.count(figure["name"]) == 4
    script = runpy.run_path(str(SCRIPT))
    options = script["parser"]().parse_args(["--log-dir", str(folder / "logs")])
    assert list(script["runs"](options)) == [str(folder / name) for name in runs]


def test_one_checkpoint_is_probed_in_the_folder_that_is_named(
    run, folder: Path, tmp_path: Path
) -> None:
    checkpoint = folder / "logs/run_a/checkpoints/step_00000004"
    flags = ["--checkpoint", checkpoint, "--log-dir", tmp_path / "out"]
    done = run(SCRIPT, *flags, *SMALL.split(), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(checkpoint))
    assert len(list(tmp_path.glob("out/probes_*/results.json"))) == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--log-dir", "nowhere"], "--log-dir nowhere holds no run with a saved checkpoint"),
        (["--log-dir", "logs/run_c"], "--log-dir logs/run_c holds no run with"),
        (["--run", "run_z"], "--log-dir logs holds no run 'run_z' with a saved checkpoint"),
        (["--checkpoint", "nowhere"], "'nowhere' do not exist"),
    ],
)
def test_a_folder_without_runs_is_a_clear_error(run, folder: Path, flags, message: str) -> None:
    done = run(SCRIPT, *flags, *SMALL.split(), cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
