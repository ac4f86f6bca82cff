"""Where a lab is, and where none is made: reading leaves a folder as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab_testing import CONFIG, PAWN_LAB, ended, stand_in, trainer_greeting
from mcp import Client

from pawn_lab import errors
from pawn_lab.cli.app import main
from pawn_lab.lab import Lab, launching, notebook, opener, queries, resuming, spending
from pawn_lab.paths import WorkspacePaths, default_workspace
from pawn_lab.server import LabServer
from pawn_lab.states import State
from pawn_lab.tools import AGENT_TOOLS

READING = ("status", "events", "wait", "results", "compare", "diff 1 2", "log 1", "notes")
ACTING = ("kill 1", "resume 1", "audit", "sweep --sweep-id 1 --stop")


@pytest.fixture(autouse=True)
def nobodys_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder that no lab is around."""
    monkeypatch.delenv("PAWN_WORKSPACE", raising=False)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> str:
    """Return what a command that is refused says on stderr."""
    monkeypatch.setattr(sys, "argv", ["pawn-lab", *line.split()])
    with pytest.raises(SystemExit) as ended_:
        main()
    assert ended_.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("line", [*READING, *ACTING])
def test_a_command_where_no_lab_is_says_so_and_leaves_the_folder_as_it_was(
    tmp_path, monkeypatch, capsys, line
):
    before = everything_below(tmp_path)
    said = run(monkeypatch, capsys, line)
    assert "no lab in 'runs'" in said
    assert "`pawn-lab init` makes one" in said
    assert everything_below(tmp_path) == before


def test_the_nearest_lab_is_named(tmp_path, monkeypatch, capsys):
    Lab.open(Path("runs")).close()
    Path("other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    said = run(monkeypatch, capsys, "status --workspace elsewhere")
    assert "no lab in 'elsewhere'; the nearest is '../runs'" in said


def test_the_lab_of_the_demo_is_named_where_only_that_is(monkeypatch, capsys):
    Lab.open(Path("runs/demo-1")).close()
    assert "the nearest is 'runs/demo-1'" in run(monkeypatch, capsys, "status")


def test_a_lab_is_found_from_a_subfolder_but_not_from_another_repository(tmp_path, monkeypatch):
    Lab.open(Path("runs")).close()
    inside, other = tmp_path / "a" / "b", tmp_path / "vendored"
    inside.mkdir(parents=True)
    (other / ".git").mkdir(parents=True)
    assert default_workspace(inside) == tmp_path / "runs"
    assert default_workspace(tmp_path / "runs" / "trials") == tmp_path / "runs"
    assert default_workspace(other) == other / "runs"
    monkeypatch.setenv("PAWN_WORKSPACE", "chosen")
    assert default_workspace(inside) == Path("chosen")


def test_init_makes_a_lab_and_leaves_one_that_is_there(capsys, monkeypatch):
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["pawn-lab", "init"])
        main()
        assert capsys.readouterr().out.strip() == str(Path("runs").absolute())
    assert WorkspacePaths(Path("runs")).is_lab()


def test_a_folder_of_another_program_becomes_a_lab_only_where_that_is_asked_for(tmp_path):
    (tmp_path / "runs" / "events.out.tfevents").mkdir(parents=True)
    with (
        Lab.look(tmp_path / "runs") as lab,
        pytest.raises(errors.NoLabError, match="`pawn-lab init` makes one"),
    ):
        spending.set_cost(lab, 1.0)
    assert everything_below(tmp_path / "runs") == {"events.out.tfevents"}
    Lab.open(tmp_path / "runs").close()


def test_plans_that_came_with_a_repository_are_no_hindrance(tmp_path):
    (tmp_path / "runs" / "plans").mkdir(parents=True)
    with Lab.look(tmp_path / "runs") as lab:
        spending.set_cost(lab, 1.0)
        assert lab.exists


def test_a_lab_in_a_folder_that_is_missing_is_a_slip(tmp_path):
    with Lab.look(tmp_path / "reserch" / "runs") as lab, pytest.raises(errors.NoLabError):
        notebook.append(lab, "hello")
    assert not (tmp_path / "reserch").exists()


@pytest.mark.anyio
async def test_an_agent_reads_an_empty_lab_without_a_file_and_launches_without_ceremony(
    workspace, monkeypatch
):
    def look() -> Lab:
        return Lab.look(workspace, trainer=stand_in("complete"))

    async with Client(LabServer(look)) as client:
        for tool in AGENT_TOOLS:
            if not tool.read_only or tool.verb in ("log", "diff"):
                continue
            await client.call_tool(tool.name, {})
        status = await client.call_tool("lab_status", {})
        killed = await client.call_tool("lab_kill", {"trial_id": 1})
        assert not workspace.exists()
        launched = await client.call_tool("lab_launch", {"config": CONFIG})
    assert status.structured_content["headline"].startswith("No trials yet")
    assert "trial 1 does not exist" in killed.content[0].text
    assert launched.structured_content["trial_id"] == 1
    with Lab.open(workspace) as lab:
        ended(lab, 1)


def test_a_server_does_not_make_a_lab_again_that_was_moved_away(tmp_path):
    workspace = tmp_path / "runs"
    open_lab = opener(workspace)
    with open_lab() as lab:
        spending.set_cost(lab, 1.0)
    with open_lab() as waiting:
        workspace.rename(tmp_path / "moved")
        with pytest.raises(errors.NoLabError, match="is gone: moved, or deleted"):
            queries.trials(waiting)
    with pytest.raises(errors.NoLabError, match="is gone: moved, or deleted"):
        open_lab()
    assert not workspace.exists()


def test_a_workspace_whose_path_is_not_text_is_like_any_other(workspace, monkeypatch):
    strange = workspace.parent / os.fsdecode(b"l\xe9b-\xff")
    monkeypatch.setenv("HF_HOME", str(strange))
    with Lab.open(strange, trainer=stand_in("study")) as lab:
        first = ended(lab, launching.launch(lab, CONFIG | {"pause_after_steps": 200}).id)
        second = ended(lab, resuming.resume(lab, first.id).id)
        assert (second.state, second.from_step) == (State.COMPLETED, 200)
        assert queries.events(lab).events[-1].kind == "completed"
        greeting = trainer_greeting(lab, second.id)
    assert greeting["environment"]["HF_HOME"] == str(strange)
    for verb in ("status", "plot", "results --json", "log 1", "notes --append hello"):
        done = subprocess.run(
            [PAWN_LAB, *verb.split()],
            env=os.environ | {"PAWN_WORKSPACE": str(strange)},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), verb
