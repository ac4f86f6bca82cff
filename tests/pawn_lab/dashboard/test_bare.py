"""Run folders that no lab owns: found, shown, and never written to, whatever happens to them."""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lab_testing import CONFIG
from run_folders import DONE, write_metrics, write_run
from served_lab import served

from pawn_core.run_paths import METRICS
from pawn_lab.dashboard import __main__
from pawn_lab.dashboard.bare import BareExhibit
from pawn_lab.dashboard.run_folders import MOST_DEPTH, SILENT_S
from pawn_lab.lab import queries
from pawn_lab.records import Trial
from pawn_lab.states import State
from pawn_lab.views import answered

SCRIPT = "<img src=x onerror=alert(1)>"


def shown(exhibit: BareExhibit) -> dict[str, Trial]:
    """Return the trials that are shown of all, by what they are called."""
    exhibit.advance()
    with exhibit.open_to_look() as lab:
        return {trial.tags[-1]: trial for trial in queries.trials(lab)}


def losses(exhibit: BareExhibit, trial_id: int) -> list[float]:
    with exhibit.open_to_look() as lab:
        return [result.best.metrics["val_loss"] for result in queries.results(lab, [trial_id])]


def ask_all(exhibit: BareExhibit, *numbers: int) -> dict[str, Any]:
    """Ask every view that pages of runs ask, of these runs and of each."""
    chosen = {"trials": ",".join(map(str, numbers))}
    whole = {"overview": {}, "trials": {}, "curves": chosen, "metrics": chosen, "board_models": {}}
    with exhibit.open_to_look() as lab:
        for number in numbers:
            answered(lab, "trial", {"trial_id": number})
        return {name: answered(lab, name, given) for name, given in whole.items()}


def listing(root: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mtime_ns for path in root.rglob("*")}


def test_runs_are_found_with_what_they_are_and_nothing_is_written_there(tmp_path) -> None:
    write_run(tmp_path / "a", lr=0.5)
    write_run(tmp_path / "study" / SCRIPT, outcome=None)
    write_run(tmp_path / "failed", outcome={"reason": "diverged", "step": 20, "message": "lost"})
    write_run(tmp_path / "stopped", outcome={"reason": "signal", "step": 20, "message": "TERM"})
    before = listing(tmp_path)
    runs = shown(exhibit := BareExhibit(tmp_path))
    states = {name: run.state for name, run in runs.items()}
    assert states == {
        "a": State.COMPLETED,
        f"study/{SCRIPT}": State.RUNNING,
        "failed": State.FAILED,
        "stopped": State.KILLED,
    }
    assert runs["a"].config["lr"] == 0.5
    assert runs[f"study/{SCRIPT}"].tags == ["study", f"study/{SCRIPT}"]
    for run in runs.values():
        assert losses(exhibit, run.id) == pytest.approx([4.91])
    answers = ask_all(exhibit, *(run.id for run in runs.values()))
    assert {curve["trial"] for curve in answers["curves"]["curves"]} == {1, 2, 3, 4}
    assert len(answers["trials"]["rows"]) == 4
    assert listing(tmp_path) == before


def test_a_run_that_comes_goes_on_or_ends_is_seen_while_somebody_looks(tmp_path) -> None:
    exhibit = BareExhibit(tmp_path)
    assert shown(exhibit) == {}
    folder = write_run(tmp_path / "a", outcome=None)
    assert shown(exhibit)["a"].state is State.RUNNING
    write_metrics(folder, 4.0, stop=400)
    assert losses(exhibit, 1) == pytest.approx([3.81])
    (folder / "outcome.json").write_text(json.dumps(DONE | {"reason": "paused"}))
    assert shown(exhibit)["a"].state is State.PAUSED
    age(folder / "outcome.json", 60)
    assert shown(exhibit)["a"].state is State.RUNNING, "it was resumed"


def age(file: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(file, (then, then))


def test_a_run_that_went_silent_without_a_word_is_lost(tmp_path) -> None:
    folder = write_run(tmp_path / "a", outcome=None)
    for file in folder.iterdir():
        age(file, SILENT_S + 60)
    run = shown(BareExhibit(tmp_path))["a"]
    assert (run.state, run.exit.reason) == (State.LOST, "lost")


def test_one_that_is_torn_replaced_or_deleted_leaves_the_others_as_they_are(tmp_path) -> None:
    good = write_run(tmp_path / "good")
    bad = write_run(tmp_path / "bad", outcome=None)
    exhibit = BareExhibit(tmp_path)
    number = shown(exhibit)["bad"].id
    (bad / "config.json").write_text('{"run_type": "pretr')
    (bad / METRICS).write_bytes(b'{"type": "eval", "step": 20, "val_l\x00\xff')
    (bad / "outcome.json").write_text("[1, 2")
    assert shown(exhibit)["bad"].state is State.RUNNING
    good_number = shown(exhibit)["good"].id
    curves = ask_all(exhibit, good_number, number)["curves"]["curves"]
    assert {curve["trial"] for curve in curves} == {good_number}

    shutil.rmtree(bad)
    assert shown(exhibit).keys() == {"good"}
    with exhibit.open_to_look() as lab:
        assert answered(lab, "trial", {"trial_id": number})["state"] == State.LOST
    write_run(tmp_path / "bad", lr=0.25)
    again = shown(exhibit)["bad"]
    assert (again.id, again.state, again.config["lr"]) == (number, State.COMPLETED, 0.25)

    shutil.rmtree(good)
    good.write_text("a file now")
    assert shown(exhibit).keys() == {"bad"}


@pytest.mark.parametrize(
    "written",
    [
        "[]",
        "null",
        '{"run_type": 5}',
        '{"run_type": "pretrain", "total_steps": "many"}',
        '{"run_type": "cotrain", "variants": 7, "total_steps": {}}',
        '{"run_type": "of another version", "total_steps": 10}',
    ],
)
def test_a_config_of_any_kind_is_shown_as_far_as_it_goes(tmp_path, written) -> None:
    folder = write_run(tmp_path / "a")
    (folder / "config.json").write_text(written)
    exhibit = BareExhibit(tmp_path)
    assert shown(exhibit)["a"].state is State.COMPLETED
    assert len(ask_all(exhibit, 1)["trials"]["rows"]) == 1


def test_links_pipes_and_what_lies_too_deep_are_no_runs(tmp_path) -> None:
    write_run(tmp_path / "elsewhere" / "a")
    logs = tmp_path / "logs"
    (logs / "pipe").mkdir(parents=True)
    os.mkfifo(logs / "pipe" / METRICS)
    (logs / "link").symlink_to(tmp_path / "elsewhere")
    (logs / "linked").mkdir()
    (logs / "linked" / METRICS).symlink_to(tmp_path / "elsewhere" / "a" / METRICS)
    write_run(logs / ".hidden")
    write_run(logs.joinpath(*map(str, range(MOST_DEPTH + 1))))
    assert shown(BareExhibit(logs)) == {}
    deepest = write_run(logs.joinpath(*map(str, range(MOST_DEPTH - 1)), "run"))
    assert shown(BareExhibit(logs)).keys() == {str(deepest.relative_to(logs))}
    assert shown(BareExhibit(deepest)).keys() == {"run"}


def test_run_folders_are_served_and_only_looked_at(tmp_path) -> None:
    write_run(tmp_path / "a")
    token = "a-secret-of-some-length"
    with served(BareExhibit(tmp_path), token) as url:
        session = httpx2.get(f"{url}/api/session", headers={"Authorization": f"Bearer {token}"})
        facts = session.json()
        assert (facts["mode"], facts["control"]) == ("bare", False)
        assert facts["workspace"] == str(tmp_path)
        launch = httpx2.post(
            f"{url}/api/call/lab_launch",
            json={"config": CONFIG},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert launch.status_code == 403
        assert launch.json()["error"] == "run folders are only looked at"
        counts = httpx2.post(f"{url}/api/call/lab_status", json={}).json()["counts"]
        assert counts == {"completed": 1}


def test_a_folder_that_is_none_is_refused(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["dashboard", "--log-dir", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 2
    assert f"log-dir '{tmp_path / 'none'}' is not a folder" in capsys.readouterr().err
