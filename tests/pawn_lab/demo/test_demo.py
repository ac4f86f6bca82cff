"""The demo, from its first call to its report, with very few steps."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from lab_testing import PAWN_LAB, ended

from pawn_lab.cli import main
from pawn_lab.errors import TrialStateError
from pawn_lab.lab import Lab, killing, queries
from pawn_lab.states import ACTIVE

SCRIPT = Path(__file__).parents[3] / "scripts" / "demo.py"
MOST_TOKENS = 25_000
ABLATIONS = ("baseline", "mate_boost=1.0", "no_outcome_token=true", "discard_ply_limit=true")


@pytest.fixture(scope="module")
def demo(warm: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, str]:
    """What the demo printed, its workspace, and what it complained of."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [PAWN_LAB, "demo"],
        cwd=folder,
        env=os.environ | {"DEMO_STEPS": "4", "COLUMNS": "160", "PYTHONPATH": warm},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "runs" / "demo", done.stderr


def test_the_study_runs_to_its_end_although_its_server_is_killed(demo):
    printed = demo[0]
    assert "kill -9 of the server" in printed
    assert printed.count("paused after 1 steps") == 12
    assert printed.count("completed 4 steps") == 4


def test_an_agent_reads_few_tokens_in_the_whole_study(demo):
    read = re.search(r"The agent read ([\d,]+) tokens of answers", demo[0])
    assert 1000 < int(read[1].replace(",", "")) <= MOST_TOKENS


def test_the_report_has_a_loss_for_every_learning_rate_and_a_winner_in_every_row(demo):
    report = (demo[1] / "report.md").read_text()
    for ablation in ABLATIONS:
        row, final = (line for line in report.splitlines() if line.startswith(f"| {ablation} |"))
        cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
        losses = [float(cell.strip("*")) for cell in cells]
        assert len(losses) == 3
        assert [cell for cell in cells if cell.startswith("**")] == [f"**{min(losses):.4g}**"]
        assert "| 4 |" in final
    assert "Compare validation losses along a row, not down a column" in report


def test_the_report_has_a_sentence_on_each_hypothesis(demo):
    findings = (demo[1] / "report.md").read_text().partition("## The hypotheses")[2]
    for ablation in ABLATIONS[1:]:
        (line,) = (line for line in findings.splitlines() if f"**{ablation}**" in line)
        assert re.search(r"Validation loss [\d.]+, baseline [\d.]+: one seed each", line)
    assert "mates" in findings


def test_the_study_ends_with_the_same_evaluations_of_every_winner_in_one_page(demo):
    [page] = (demo[1] / "reports").glob("*/report.html")
    html = page.read_text()
    printed = "".join(demo[0].split())  # a narrow console breaks the line
    assert str(page.resolve().relative_to(demo[1].resolve().parent)) in printed
    [data] = re.findall(r'id="pawn-data">(.*?)</script>', html)
    sections = {section["title"]: section["blocks"] for section in json.loads(data)["sections"]}
    for evaluation in ("legality", "yardstick", "probes"):
        (_, table, *_) = sections[f"Evaluation: {evaluation}"]
        header = " ".join(table["columns"])
        assert [f"trial:{number}@" in header for number in range(12, 18)] == [
            False,
            *[True] * 4,
            False,
        ]
    [drawn] = sections["Curves"]
    assert {curve["trial"] for curve in drawn["answer"]["curves"]} == {13, 14, 15, 16}


def test_a_server_that_is_killed_makes_no_noise(demo):
    assert "Unknown child process" not in demo[2]


def test_an_interrupt_says_what_goes_on_and_how_to_end_it(warm, tmp_path):
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": warm}
    process = subprocess.Popen(
        [sys.executable, SCRIPT], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    next(line for line in process.stdout if "trainer started" in line)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "go on" in told
    (workspace,) = (path for path in (tmp_path / "runs").iterdir() if not path.is_symlink())
    assert f"pawn-lab kill --all --workspace runs/{workspace.name}" in told
    with Lab.open(workspace) as lab:
        for trial in queries.trials(lab, ACTIVE):
            with suppress(TrialStateError):
                killing.kill(lab, trial.id)
        for trial in queries.trials(lab):
            ended(lab, trial.id)


def test_the_notes_hold_both_phases_and_the_picture_is_drawn(demo):
    notes = (demo[1] / "lab-notes.md").read_text()
    assert "## Phase 1: learning rates at step 1" in notes
    assert "## Phase 2: winners at step 4" in notes
    assert (demo[1] / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("steps", ["0", "many", "-5", "3"])
def test_a_number_of_steps_that_makes_no_study_is_refused(steps, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pawn-lab", "demo", "--steps", steps])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert steps in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
