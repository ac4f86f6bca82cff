"""Every file that a trial or a person can replace, in every way: no call waits, fails or follows.

Each workspace has, for each file, one ended and one running trial in which just that file is
damaged, so that one call sees them all.
"""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from lab_testing import CONFIG, add_ended_trial, add_running_trial, make_checkpoint
from mcp.shared.exceptions import MCPError

from pawn_core.config import parse_config
from pawn_lab.errors import LabError
from pawn_lab.lab import Lab, queries
from pawn_lab.paths import WorkspacePaths
from pawn_lab.server.tasks import WaitStore
from pawn_lab.states import ENDED
from pawn_lab.tools import TOOLS
from pawn_lab.tools.plot import MOST_CURVES
from pawn_lab.trial_paths import TrialPaths

MOST_S = 60
TOOL_NAMED = {tool.name: tool for tool in TOOLS}
PLAIN = parse_config(CONFIG).model_dump(mode="json")
SECRET = "quagga"
SECRET_LINE = {"type": "eval", "seq": 0, "step": 7, "time": 1.7e9, "val_loss": 31337.5}
SECRET_LINE |= dict.fromkeys(("reason", "message", "commit", "why", "code_sha256"), SECRET)

FILES: dict[str, Callable[[TrialPaths], Path]] = {
    "request": lambda paths: paths.request,
    "launch": lambda paths: paths.launch,
    "provenance": lambda paths: paths.provenance,
    "patch": lambda paths: paths.patch,
    "identity": lambda paths: paths.identity,
    "exit": lambda paths: paths.exit,
    "finding": lambda paths: paths.finding,
    "log": lambda paths: paths.log,
    "shim log": lambda paths: paths.shim_log,
    "run": lambda paths: paths.run,
    "metrics": lambda paths: paths.metrics,
    "outcome": lambda paths: paths.outcome,
    "schedule health": lambda paths: paths.schedule_health,
    "preflight": lambda paths: paths.preflight,
    "checkpoints": lambda paths: paths.checkpoints,
    "sentinel": lambda paths: paths.checkpoints / "step_00000200" / ".complete",
    "upload record": lambda paths: paths.run / "uploads" / "hf_repo.json",
}

FOLDERS = {"run", "checkpoints", "plots", "plans", "waits", "sweeps"}

FIELDS = [
    *("type", "seq", "step", "time", "variant", "loss", "val_loss", "lr", "grad_norm", "kl"),
    *("tokens_per_s", "step_s", "data_wait_s", "device_memory_bytes", "top1"),
    *("event", "destination", "failures", "non_finite_step", "message", "checkpoint", "reason"),
    *("code", "signal", "stopped_by", "evidence", "ended_at", "duration_s", "outcome"),
    *("pid", "boot_id", "start_ticks", "guardian", "started_at", "folder", "stop", "why", "at"),
    *("commit", "code_sha256", "dirty_patch_sha256", "packages", "device_name", "driver", "seeds"),
    *("variants", "actual_steps", "planned_steps", "final_lr", "planned_final_lr"),
    *("where", "uploads", "weights", "format", "files"),
]
DEEP = json.loads("[" * 200 + "]" * 200)
VALUES: dict[str, Any] = {
    "400 digits": 10**400,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "1e308": 1e308,
    "zero": 0,
    "negative": -1,
    "fraction": 0.5,
    "true": True,
    "null": None,
    "text": "1",
    "half an emoji": "\ud83d",
    "list": [1],
    "object": {"x": {"y": 1}},
    "deep": DEEP,
}


def replaced_by_fifo(path: Path) -> None:
    os.mkfifo(path)


def replaced_by_folder(path: Path) -> None:
    path.mkdir()


def replaced_by_link(path: Path) -> None:
    path.symlink_to(path.parents[-2] / "proc" / "self" / "environ")


def replaced_by_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def replaced_by_secret(path: Path) -> None:
    """Link a file to one outside of the workspace that it could be read as; a folder likewise."""
    outside = path_outside(path)
    outside.mkdir(exist_ok=True)
    (outside / "step_00000200").mkdir(exist_ok=True)
    for name in ("secret", "metrics.jsonl", "outcome.json", "schedule_health.json"):
        (outside / name).write_text(json.dumps(SECRET_LINE) + "\n")
    path.symlink_to(outside if path.name in FOLDERS else outside / "secret")


def with_contents(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data) and None


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 30)


PLACES = {
    "fifo": replaced_by_fifo,
    "folder": replaced_by_folder,
    "link": replaced_by_link,
    "dangling link": replaced_by_dangling_link,
    "link to a secret": replaced_by_secret,
    "empty": with_contents(b""),
    "binary": with_contents(bytes(range(256)) * 1000),
    "deep": with_contents(b'{"a":' * 50_000),
    "a list": with_contents(b"[1]\n"),
    "a number": with_contents(b"9" * 5000 + b"\n"),
    "1 GiB of zeros": sparse,
}


def strange_text(path: Path, value: Any, token: str | None) -> str:
    """Return a document with that value in every field, or a stream with it in each in turn."""
    if path.name != "metrics.jsonl":
        return json.dumps(dict.fromkeys(FIELDS, value) | {"token": token})
    sound = {"seq": 0, "step": 5, "time": 1.7e9, "loss": 1.0, "val_loss": 1.0, "lr": 0.1}
    sound |= {"tokens_per_s": 1.0, "step_s": 1.0}
    records = [
        {"type": kind} | sound | {"step": n, "time": 1.7e9 + n} | {field: value}
        for kind in ("train", "eval", "event")
        for n, field in enumerate(FIELDS)
    ]
    return "".join(json.dumps(record) + "\n" for record in records)


def damaged(path: Path, damage: Callable[[Path], None]) -> None:
    """Put something else in a file's place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        path.rename(path.with_name(f"former-{path.name}"))
    path.unlink(missing_ok=True)
    damage(path)


@contextmanager
def damaged_trials(
    lab: Lab, damage: Callable[[Path, str | None], Callable[[Path], None]]
) -> Iterator[None]:
    """Add, for each file, an ended and a running trial with that file damaged; it runs inside."""
    with ExitStack() as running:
        for file in FILES.values():
            trial_id = add_ended_trial(lab, PLAIN)
            paths = lab.paths.trial(trial_id)
            make_checkpoint(paths.checkpoints, 200)
            damaged(file(paths), damage(file(paths), None))
            trial_id, token = running.enter_context(add_running_trial(lab, PLAIN))
            paths = lab.paths.trial(trial_id)
            damaged(file(paths), damage(file(paths), token))
        yield


def calls(lab: Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield calls of every tool; those about one trial for each."""
    ids = [trial.id for trial in queries.trials(lab)]
    yield from [(name, {}) for name in ("lab_status", "lab_events", "lab_results", "lab_compare")]
    yield from [("lab_audit", {}), ("lab_notes", {}), ("lab_schema", {})]
    yield "lab_results", {"front": "hours"}
    yield "lab_compare", {"at": "tokens"}
    yield "lab_compare", {"reaching": 3.5}
    yield "lab_set_cost", {"cost_per_hour": 2.0}
    yield "lab_launch", {"config": CONFIG | {"seed": 99}, "dry_run": True}
    plan = {"config": CONFIG, "space": {"lr": [0.1, 0.2]}}
    yield "lab_sweep", {"settings": plan, "dry_run": True}
    yield "lab_wait", {"timeout_s": 0}
    yield "lab_wait", {"timeout_s": 0, "until": "val_loss<1"}
    yield from of_each(ids)


def of_each(ids: list[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, len(ids), MOST_CURVES):
        some = ids[start : start + MOST_CURVES]
        yield "lab_plot", {"trial_ids": some, "metric": "val_loss", "x": "hours"}
        yield "lab_plot", {"trial_ids": some, "metric": "loss"}
        yield "lab_report", {"trial_ids": some}
    for trial_id in ids:
        yield "lab_status", {"trial_id": trial_id}
        yield "lab_log", {"trial_id": trial_id}
        yield "lab_view", {"view": "trial", "arguments": {"trial_id": trial_id}}
        if trial_id > 1:
            yield "lab_diff", {"a": 1, "b": trial_id}


MAY_REFUSE = {"lab_plot", "lab_resume", "lab_kill", "lab_notes"}
"""Where there may be nothing to draw, to resume, to kill or to read."""


def answers(lab: Lab) -> None:
    """Make every call; each has to answer, soon, and with nothing from outside."""
    for name, arguments in calls(lab):
        with within(MOST_S, f"{name}({arguments})"):
            answer = answer_of(lab, name, arguments)
        assert SECRET not in answer, f"{name}({arguments})"
        assert "31337" not in answer, f"{name}({arguments})"
        assert "PATH=" not in answer, f"{name}({arguments})"


def answer_of(lab: Lab, name: str, arguments: dict[str, Any]) -> str:
    try:
        return str(TOOL_NAMED[name](lab, arguments).wire())
    except LabError as error:
        if name not in MAY_REFUSE:
            raise
        return str(error)


@contextmanager
def within(seconds: int, what: str) -> Iterator[None]:
    """Break off what waits for ever, as opening a FIFO does."""

    def late(*_: object) -> None:
        raise AssertionError(f"{what} has not ended after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def all_end(lab: Lab) -> None:
    """See that trials whose processes are gone end, and can be killed and resumed or not."""
    assert {trial.state for trial in queries.trials(lab)} <= ENDED
    for trial in queries.trials(lab):
        with within(MOST_S, "lab_tag, lab_approve"), contextlib.suppress(LabError):
            TOOL_NAMED["lab_tag"](lab, {"trial_ids": [trial.id], "add": ["seen"]})
            TOOL_NAMED["lab_approve"](lab, {"trial_ids": [trial.id]})
        for name, arguments in (("lab_kill", {}), ("lab_resume", UNSAFE)):
            for which in ("latest", "best") if arguments else (None,):
                more = {"checkpoint": which} if which else {}
                with within(MOST_S, name), contextlib.suppress(LabError):
                    TOOL_NAMED[name](lab, {"trial_id": trial.id} | arguments | more)


UNSAFE = {"overrides": {"d_model": 2}}
"""What keeps a resume from starting anything, once the checkpoint was looked for."""


PUSHED = {"fifo", "link to a secret", "400 digits", "half an emoji", "list"}
"""Of the push tier: damages that block, leak, overflow, cannot be written, and confuse."""


def tiers(damages: dict[str, Any]) -> list[Any]:
    slow = pytest.mark.slow
    return [
        pytest.param(damage, id=name, marks=[] if name in PUSHED else slow)
        for name, damage in damages.items()
    ]


@pytest.mark.parametrize("damage", tiers(PLACES))
def test_whatever_is_in_a_files_place_every_tool_answers(open_lab, damage) -> None:
    lab = open_lab()
    with damaged_trials(lab, lambda _path, _token: damage):
        answers(lab)
    all_end(lab)
    answers(lab)


@pytest.mark.parametrize("value", tiers(VALUES))
def test_whatever_a_files_fields_hold_every_tool_answers(open_lab, value) -> None:
    lab = open_lab()

    def damage(path: Path, token: str | None) -> Callable[[Path], None]:
        if path.name in ("run", "checkpoints"):
            return replaced_by_folder
        return with_contents(strange_text(path, value, token).encode())

    with damaged_trials(lab, damage):
        answers(lab)
    all_end(lab)
    answers(lab)


OF_WORKSPACE: dict[str, Callable[[WorkspacePaths], Path]] = {
    "notes": lambda paths: paths.notes,
    "archive": lambda paths: paths.notes_archive,
    "budget stop": lambda paths: paths.budget_stop,
    "watch": lambda paths: paths.watch,
    "webhook": lambda paths: paths.webhook,
    "deliveries": lambda paths: paths.webhook_state,
    "plots": lambda paths: paths.plots,
    "plans": lambda paths: paths.plans,
    "plan": lambda paths: paths.plan("mine"),
    "waits": lambda paths: paths.waits,
    "wait": lambda paths: paths.waits / f"{WAIT}.json",
    "journals": lambda paths: paths.study(1).parent,
    "journal": lambda paths: paths.study(1),
}
WAIT = "0" * 32
TPE = {"config": CONFIG, "method": "tpe", "points": 2, "space": {"lr": [0.1, 0.2]}}


def workspace_calls() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from [("lab_notes", {}), ("lab_notes", {"append": "a note"}), ("lab_status", {})]
    yield "lab_plot", {"trial_ids": [1]}
    yield "lab_report", {"trial_ids": [1]}
    yield "lab_import", {"weights": "missing"}
    yield "lab_sweep", {"plan": "mine", "dry_run": True}
    yield "lab_sweep", {"settings": TPE}


@pytest.mark.parametrize("file", OF_WORKSPACE.values(), ids=OF_WORKSPACE)
@pytest.mark.parametrize("damage", [replaced_by_fifo, replaced_by_folder, replaced_by_secret])
def test_whatever_a_person_put_in_the_place_of_the_labs_files(open_lab, damage, file) -> None:
    """A refusal names it; nothing waits, leaks, or is written behind a link."""
    lab = open_lab("gate")
    add_ended_trial(lab, PLAIN)
    path = file(lab.paths)
    damaged(path, damage)
    outside = {p: p.read_bytes() for p in path_outside(path).rglob("*") if p.is_file()}
    for name, arguments in workspace_calls():
        with within(MOST_S, f"{name}({arguments})"), contextlib.suppress(LabError):
            assert SECRET not in str(TOOL_NAMED[name](lab, arguments).wire())
    store = WaitStore(lab.paths)
    with within(MOST_S, "a wait"), contextlib.suppress(MCPError, OSError):
        store.create({})
    with within(MOST_S, "a wait"), contextlib.suppress(MCPError):
        store.get(WAIT)
    assert {p: p.read_bytes() for p in path_outside(path).rglob("*") if p.is_file()} == outside


def path_outside(path: Path) -> Path:
    """Return the folder that links lead to."""
    return next(p for p in path.parents if p.name == "workspace").with_name("outside")


def test_every_tool_is_called() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [tool.name for tool in TOOLS if f'"{tool.name}"' not in source] == []
