"""The one place that spells the file names of a run."""

import ast
from pathlib import Path

import pawn_core
import pawn_lab
from pawn_core import run_paths
from pawn_core.run_paths import RunPaths
from pawn_lab.trial_paths import TrialPaths

FILES = ("metrics.jsonl", "outcome.json", "phase.json", "schedule_health.json")
FOLDERS = ("checkpoints", "trackers")  # "uploads" is also a key inside a record


def spelled(package, names) -> set[str]:
    """Return which modules of a package hold one of the names as a string of its own."""
    root = Path(package.__file__).parent
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }


def test_no_other_module_spells_a_file_name_of_a_run() -> None:
    assert spelled(pawn_core, (*FILES, *FOLDERS)) == {Path(run_paths.__file__).name}
    assert spelled(pawn_lab, FILES) == set()


def test_a_trial_has_the_files_of_the_run_inside_it(tmp_path) -> None:
    trial, run = TrialPaths(tmp_path), RunPaths.in_trial(tmp_path)
    assert trial.run == run.root == tmp_path / "run"
    for name in ("metrics", "outcome", "phase", "schedule_health", "checkpoints"):
        assert getattr(trial, name) == getattr(run, name)


def test_records_of_uploads_and_trackers_are_files_of_their_own(tmp_path) -> None:
    paths = RunPaths(tmp_path)
    assert paths.upload("hf_repo-small") == tmp_path / "uploads" / "hf_repo-small.json"
    assert paths.tracker("wandb") == tmp_path / "trackers" / "wandb.json"
