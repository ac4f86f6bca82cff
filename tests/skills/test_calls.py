"""Every call that a skill shows is made, of the real server and in a real shell.

The lab is a small one of stand-in trainers, and a name in a call stands for something in it. What
the calls launch waits at its gate, so that there is something to wait for and to kill.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lab_fixtures import end_processes_of
from lab_testing import CONFIG, EMPTY_TENSORS, add_ended_trial, ended, stand_in
from mcp.client import Client
from past_trials import resolved
from reading import Call, UnreadableCallError, calls_of, pages, read_page

from pawn_lab.lab import Lab, launching, resuming, spending
from pawn_lab.server import LabServer
from pawn_lab.shipped import PLANS, ROOT, SKILLS
from pawn_lab.tools import TOOLS

STUDY = "study"
PAUSED = CONFIG | {"pause_after_steps": 200}
NEEDS_WEIGHTS = ("uci", "preflight", "scripts/", "pawn_core")
"""Commands on a model that is really there, or is to be trained."""
PLACES = {"TRIAL": "4", "TAG": STUDY, "NEXT": "true", "trial:7": "trial:3"}
"""What the words in capitals of commands stand for, and the trial of the examples."""
ANSWERED = {"pawn-lab audit": 1, "pawn-lab checkin": 10}
"""Commands that answer by their exit code: trials run, and one has failed."""
ENDLESS = ("--follow", "pawn-lab watch")
"""Commands that go on until they are ended, once they have said something."""
PLAN = {"config": PAUSED, "space": {"lr": [3e-4, 6e-4]}, "tags": [STUDY]}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder like a checkout, with a lab in `runs`, a file of games and a folder of weights."""
    folder = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAWN_CPU_SLOTS", "2")
        patch.setenv("PAWN_ALLOW_CPU", "1")  # the skills are for machines with GPUs
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.chdir(folder)
        for name in (".venv", "scripts"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "games.pgn").write_text('[Event "?"]\n\n1. e4 *\n\n' * 100)
        (folder / "weights").mkdir()
        (folder / "weights" / "model.safetensors").write_bytes(EMPTY_TENSORS)
        fill(folder / "runs")
        yield folder
        end_processes_of(folder / "runs")


def fill(root: Path) -> None:
    """Let stand-ins make trials: 3 continues 1, 4 failed, 5 and 6 measure 1 and 2.

    Those of the sweep wait at their gates, as all that is launched afterwards.
    """
    with Lab.open(root, trainer=stand_in("study")) as lab:
        spending.set_cost(lab, 3.6)
        for lr in (1e-3, 1e-5):
            ended(lab, launching.launch(lab, PAUSED | {"lr": lr}, tags=[STUDY]).id)
        ended(lab, resuming.resume(lab, 1).id)
    with Lab.open(root, trainer=stand_in("oom")) as lab:
        ended(lab, launching.launch(lab, CONFIG | {"lr": 2e-3}, tags=[STUDY]).id)
    with Lab.open(root, trainer=stand_in("measure")) as lab:
        for trial in (1, 2):
            config = {"run_type": "eval", "evals": ["legality"], "weights": f"trial:{trial}"}
            ended(lab, launching.launch(lab, config, tags=[STUDY]).id)
        measured = add_ended_trial(lab, resolved(lr=5e-4))
        record = {"type": "eval", "seq": 0, "step": 200, "time": 1.7e9, "val_loss": 3.0}
        record |= {"top1": 0.4, "pin_skill": 0.2}
        lab.paths.trial(measured).metrics.write_text(json.dumps(record) + "\n")
    with Lab.open(root, trainer=stand_in("gate")) as lab:
        TOOL["lab_tag"](lab, {"trial_ids": [measured], "add": [STUDY]})
        TOOL["lab_sweep"](lab, {"settings": PLAN})
        TOOL["lab_notes"](lab, {"append": "None so far.", "section": "text"})
        lab.paths.plans.symlink_to(PLANS)


TOOL = {tool.name: tool for tool in TOOLS}


def names_of(place: Path) -> dict[str, Any]:
    """Return what the names in the skills' calls stand for in this lab."""
    texts = ("cause", "done", "why", "chosen", "next", "table", "kept", "section", "...")
    task = {"question": "Which rate?", "study": STUDY, "price": 3.6, "budget": 50, "plan": PLAN}
    trials = {"trial": 2, "each": 2, "other": 3, "nearest_good": 1, "sweep": 1, "step": 200}
    fields = {"lr": 1e-5, "batch_size": 256, "accumulation_steps": 1}
    folders = dict.fromkeys(("repository", "folder"), str(place / "weights"))
    named = {"tags": [STUDY], "config": PAUSED | {"lr": 4e-4}, "cursor": 3}
    named |= {"evaluation": {"evals": ["legality"], "games": 8}}
    return dict.fromkeys(texts, "text") | task | {"task": task} | trials | fields | folders | named


def configs_on(text: str) -> dict[str, Any]:
    """Return the configs that a page shows whole, by their run type."""
    shown = [json.loads(code) for language, code in read_page(text).fences if language == "json"]
    examples = json.loads(json.dumps(shown).replace("trial:7", PLACES["trial:7"]))
    return {config["run_type"]: config for config in examples if "run_type" in config}


class PreparedLab:
    """The real server on the prepared lab, which makes calls as a skill shows them."""

    def __init__(self, place: Path) -> None:
        self._root = place / "runs"
        self._server = LabServer(lambda: Lab.open(self._root, trainer=stand_in("gate")))
        self._client = Client(self._server)

    async def refused(self, calls: list[Call], names: Mapping[str, Any]) -> list[str]:
        """Make calls; return what was said to those that were refused.

        Raises:
            UnreadableCallError: a call has a name that stands for nothing.
        """
        made = [(call.tool, self._arguments(call, names)) for call in calls]
        async with self._client as client:
            answers = [(call, await client.call_tool(*call)) for call in made]
        return [f"{call}: {result.content}" for call, result in answers if result.is_error]

    def _arguments(self, call: Call, names: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call that ends at once, and kills only what is there for it."""
        own = {"trial": self._launched()} if call.tool == "lab_kill" else {}
        bounded = {"timeout_s": 0} if call.tool == "lab_wait" else {}
        return call.bound({**names, **own}) | bounded

    def _launched(self) -> int:
        """Launch a trial that has something to be killed for; return its number."""
        with Lab.open(self._root, trainer=stand_in("gate")) as lab:
            return launching.launch(lab, CONFIG).id


def named(path: Path) -> str:
    return str(path.relative_to(SKILLS))


WITH_CALLS = [path for path in pages() if read_page(path.read_text(encoding="utf-8")).calls]


@pytest.mark.anyio
@pytest.mark.parametrize("path", WITH_CALLS, ids=named)
async def test_every_call_that_a_skill_shows_is_answered(place, path):
    text = path.read_text(encoding="utf-8")
    names = names_of(place) | configs_on(text)
    assert await PreparedLab(place).refused(read_page(text).calls, names) == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    "wrong",
    [
        "lab_status(trail_id=1)",
        "lab_status(trial_id=99)",
        "lab_wait(since=cursor, until='endd')",
        "lab_launch(config={**config, 'learning_rate': lr})",
        "lab_statsu()",
    ],
)
async def test_a_wrong_call_would_be_noticed(place, wrong):
    calls = read_page(f"Do `{wrong}`.").calls
    assert len(await PreparedLab(place).refused(calls, names_of(place))) == 1


@pytest.mark.parametrize(
    "unreadable", ["lab_status(1)", "lab_status(trial_id=)", "lab_status(trial_id=unknown)"]
)
def test_a_call_that_says_nothing_definite_would_be_noticed(place, unreadable):
    with pytest.raises(UnreadableCallError):
        [call.bound(names_of(place)) for call in calls_of(unreadable)]


def commands_of(path: Path, *, with_weights: bool) -> list[str]:
    lines = read_page(path.read_text(encoding="utf-8")).commands
    return [line for line in lines if any(w in line for w in NEEDS_WEIGHTS) == with_weights]


def in_shell(place: Path, command: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command as a person types it, its capitals replaced, in a folder with a lab."""
    for word, value in PLACES.items():
        command = command.replace(word, value)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    pipe = subprocess.PIPE
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=place,
        env=os.environ | {"PATH": path} | environment,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )


LIGHT = [(named(path), line) for path in pages() for line in commands_of(path, with_weights=False)]


@pytest.mark.parametrize(("page", "command"), LIGHT, ids=str)
def test_every_command_that_a_skill_shows_runs(place, page, command):
    is_endless = any(shown in command for shown in ENDLESS)
    with in_shell(place, f"{command} 2>&1" if is_endless else command) as process:
        if is_endless:
            assert process.stdout.readline()
            os.killpg(process.pid, signal.SIGKILL)
            return
        out, err = process.communicate(timeout=60)
    codes = [code for verb, code in ANSWERED.items() if command.startswith(verb)]
    assert [process.returncode] == (codes or [0]), (out, err)
    assert out


def test_a_wrong_command_would_be_noticed(place):
    with in_shell(place, "pawn-lab delete --checkpoint --yes TRIAL") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--checkpoint" in err


@pytest.fixture
def trained(warm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder like a checkout whose trial 1 is a trained model, and 2 an adapter on another."""
    from adapting import adapt, write_backbone  # with torch, which the push suite does without

    monkeypatch.setenv("PYTHONPATH", warm)
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name in (".venv", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    toy = {"variant": "toy", "max_seq_len": 32, "batch_size": 4, "total_steps": 4, "val_games": 8}
    toy |= {"eval_interval": 4, "num_workers": 0, "device": "cpu", "local_checkpoints": True}
    (tmp_path / "toy.json").write_text(json.dumps(toy))
    with Lab.open(tmp_path / "runs") as lab:
        assert ended(lab, launching.launch(lab, toy).id).exit.code == 0
        adapt(write_backbone(tmp_path / "backbone"), lab.paths.trial(2).run)
    yield tmp_path
    end_processes_of(tmp_path / "runs")


HEAVY = [(named(path), line) for path in pages() for line in commands_of(path, with_weights=True)]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "command"), HEAVY, ids=str)
def test_every_command_on_a_model_that_a_skill_shows_runs(trained, page, command):
    number = "0002" if "merge_adapter" in command else "0001"
    places = {"NNNN": number, "FOLDER": "out", "NAME": "a", "CONFIG": "toy.json"}
    for word, meant in (places | {"trial:7": "trial:1"}).items():
        command = command.replace(word, meant)
    with in_shell(trained, command) as process:
        out, err = process.communicate("uci\nquit\n", timeout=120)
    assert process.returncode == 0, err
    assert "uciok" in out or "uci" not in command
    assert ("out" in command) == (trained / "out").is_dir()
