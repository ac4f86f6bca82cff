"""Which checkpoints of a run are worth uploading, and in which order."""

import json
from pathlib import Path

import pytest

from pawn_core.checkpoint.manifest import checkpoint_name, file_sha256
from pawn_core.config import parse_config
from pawn_core.run_paths import SENTINEL, RunPaths
from pawn_core.uploads.backlog import missing, notable
from pawn_core.uploads.record import Upload, UploadRecord


def checkpoint(run_dir: Path, step: int, *, finished: bool = True) -> Path:
    """Make a checkpoint of a step; its seal, of which each has another, where it has finished."""
    path = RunPaths(run_dir).checkpoints / checkpoint_name(step)
    path.mkdir(parents=True)
    if finished:
        (path / SENTINEL).write_text(f"seal of {step}", "utf-8")
    return path


def evaluated(run_dir: Path, *evaluations: dict) -> None:
    """Write evaluations as the trainer does."""
    records = [{"type": "eval", "seq": n, "time": 1.0} | e for n, e in enumerate(evaluations)]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    RunPaths(run_dir).metrics.write_text(lines, "utf-8")


def steps(paths: list[Path]) -> list[int]:
    return [int(path.name[5:]) for path in paths]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run with checkpoints at 10 to 40, whose loss was lowest at 20."""
    for step in (10, 20, 30, 40):
        checkpoint(tmp_path, step)
    losses = {10: 3.0, 20: 1.0, 25: 0.5, 30: 2.0, 40: 4.0}  # nothing was saved at 25
    evaluated(tmp_path, *({"step": step, "val_loss": loss} for step, loss in losses.items()))
    return tmp_path


def test_the_newest_comes_first_and_then_the_best_that_was_saved(run: Path) -> None:
    assert steps(notable(run).in_order) == [40, 20]


def test_a_save_that_has_not_finished_is_none(run: Path) -> None:
    checkpoint(run, 50, finished=False)
    assert steps(notable(run).in_order) == [40, 20]


@pytest.mark.parametrize(("up_to", "expected"), [(30, [30, 20]), (20, [20]), (10, [10]), (9, [])])
def test_later_checkpoints_do_not_count_where_a_step_is_given(
    run: Path, up_to: int, expected: list[int]
) -> None:
    assert steps(notable(run, up_to).in_order) == expected


def test_without_an_evaluation_the_newest_is_all(tmp_path: Path) -> None:
    checkpoint(tmp_path, 10)
    assert steps(notable(tmp_path).in_order) == [10]
    assert notable(tmp_path / "no run").in_order == []


def test_each_model_has_its_own_best_and_one_may_be_asked_for(run: Path) -> None:
    evaluated(
        run,
        {"step": 10, "val_loss": 1.0, "variant": "small"},
        {"step": 10, "val_loss": 9.0, "variant": "wide"},
        {"step": 20, "val_loss": 2.0, "variant": "small"},
        {"step": 20, "val_loss": 8.0, "variant": "wide"},
        {"step": 30, "val_loss": None, "variant": "wide"},
        {"step": 30, "type": "train", "val_loss": 0.1, "variant": "wide"},
    )
    assert {model: steps([path]) for model, path in notable(run).best.items()} == {
        "small": [10],
        "wide": [20],
    }
    assert steps(notable(run, model="wide").in_order) == [40, 20]


def test_an_unreadable_config_does_not_hide_the_best(run: Path) -> None:
    for text in ("{", "[]", '{"run_type": "unheard"}', "{}"):
        RunPaths(run).config.write_text(text, "utf-8")
        assert steps([notable(run).best[""]]) == [20], text
    config = parse_config({"variant": "toy", "local_checkpoints": True}).model_dump_json()
    RunPaths(run).config.write_text(config, "utf-8")
    assert steps([notable(run).best[""]]) == [20]


def test_what_has_arrived_is_not_missing_unless_its_step_was_saved_anew(run: Path) -> None:
    record = UploadRecord(RunPaths(run).upload("hf_repo"), "owner/name")
    assert steps(missing(run, record)) == [40, 20]
    newest = notable(run).in_order[0]
    record.uploads[newest.name] = Upload(file_sha256(newest / SENTINEL), None, 0.0)
    assert steps(missing(run, record)) == [20]
    (newest / SENTINEL).write_text("of another run", "utf-8")
    assert steps(missing(run, record)) == [40, 20]
